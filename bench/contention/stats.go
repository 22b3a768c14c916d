package main

import (
	"math"
	"slices"
)

// median is the middle one, or between the middle two; zero of none.
func median[T ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	low, high := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	return (low + high) / 2
}

// quotient is one number over another, measured in several rounds.
type quotient struct {
	value     float64 // of the medians
	low, high float64 // of single rounds
}

// divide compares two cells round by round. Both have at least one round.
func divide(above, below []float64) quotient {
	q := quotient{value: median(above) / median(below), low: math.Inf(1), high: math.Inf(-1)}
	for i := range min(len(above), len(below)) {
		q.low = min(q.low, above[i]/below[i])
		q.high = max(q.high, above[i]/below[i])
	}
	return q
}

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
