package main

import (
	"math"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("of three: %v", got)
	}
	if got := median([]time.Duration{4, 1, 2, 9}); got != 3 {
		t.Errorf("of four: %v", got)
	}
	if got := median([]float64{7}); got != 7 {
		t.Errorf("of one: %v", got)
	}
	if got := median[float64](nil); got != 0 {
		t.Errorf("of none: %v", got)
	}
	values := []float64{3, 1, 2}
	if median(values); values[0] != 3 {
		t.Error("it sorted the caller's")
	}
}

func TestDivide(t *testing.T) {
	got := divide([]float64{100, 300, 200}, []float64{10, 20, 40})
	if want := (quotient{value: 10, low: 5, high: 15}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestSpread(t *testing.T) {
	if got := spread([]int64{4, 2, 3}); got != 2 {
		t.Errorf("%v", got)
	}
	if got := spread([]int64{4, 0}); !math.IsInf(got, 1) {
		t.Errorf("with somebody who got nothing: %v", got)
	}
	if got := spread([]int64{4}); !math.IsNaN(got) {
		t.Errorf("of one: %v", got)
	}
}
