package main

import (
	"math"
	"testing"
)

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
