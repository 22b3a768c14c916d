package main

import (
	"math"
	"testing"
)

func TestSheet(t *testing.T) {
	s := newSheet("some", []int{1, 100})
	s.put(openTime, 1, 0.5)
	s.put(openTime, 100, 12)
	s.put(openRatio, 1, 9)
	s.put(openRatio, 100, 3)
	s.put(sessionHeap, 100, 3100)
	s.put(cutVerified, 1, 1)
	s.put(lostVerified, 100, math.Inf(1))
	const want = `some                                    1   100   goal  result
open all, s                          0.50  12.0      -       -
  ratio                              9.00  3.00   <= 3     met
heap of a session, KiB                  -  3100  <= 64  missed
cut: all verified after, s           1.00     -   <= 3       -
session lost: all verified after, s     -   inf   <= 5  missed
`
	if got := s.text(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestPercentile(t *testing.T) {
	values := make([]float64, 200)
	for i := range values {
		values[i] = float64(200 - i)
	}
	if got := percentile(values, 99); got != 198 {
		t.Errorf("of 200: %v", got)
	}
	if got := percentile([]float64{7}, 99); got != 7 {
		t.Errorf("of one: %v", got)
	}
	if got := percentile(nil, 99); !math.IsNaN(got) {
		t.Errorf("of none: %v", got)
	}
}
