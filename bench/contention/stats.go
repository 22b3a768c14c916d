package main

import (
	"math"
	"slices"
)

// spread is the largest over the smallest; infinite if somebody got nothing, and
// not a number if there are less than two.
func spread(counts []int64) float64 {
	if len(counts) < 2 {
		return math.NaN()
	}
	least := slices.Min(counts)
	if least == 0 {
		return math.Inf(1)
	}
	return float64(slices.Max(counts)) / float64(least)
}
