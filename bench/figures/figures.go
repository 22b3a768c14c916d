// Package figures has what measurements have in common: medians, ratios and tables.
package figures

import (
	"math"
	"slices"
)

// Median is the middle one, or between the middle two; zero of none.
func Median[T ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	low, high := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	return (low + high) / 2
}

// Quotient is one number over another, measured in several rounds.
type Quotient struct {
	Value     float64 // of the medians
	Low, High float64 // of single rounds
}

// Divide compares two series round by round. Both have at least one round.
func Divide(above, below []float64) Quotient {
	q := Quotient{Value: Median(above) / Median(below), Low: math.Inf(1), High: math.Inf(-1)}
	for i := range min(len(above), len(below)) {
		q.Low = min(q.Low, above[i]/below[i])
		q.High = max(q.High, above[i]/below[i])
	}
	return q
}
