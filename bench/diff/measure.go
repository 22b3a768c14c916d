package main

import (
	"runtime"
	"slices"
	"time"
)

// cost is what one call costs.
type cost struct{ micros, bytes float64 }

// inTurns measures the subjects one after another, turns times, and returns the
// median for each. So what disturbs the machine for a while disturbs all alike.
func inTurns(subjects []func() error, turns int) ([]cost, error) {
	calls := make([]int, len(subjects))
	for i, subject := range subjects {
		start := time.Now()
		if err := subject(); err != nil {
			return nil, err
		}
		calls[i] = int(max(1, 5*time.Millisecond/max(1, time.Since(start))))
	}
	samples := make([][]cost, len(subjects))
	for range turns {
		for i, subject := range subjects {
			samples[i] = append(samples[i], measure(subject, calls[i]))
		}
	}
	medians := make([]cost, len(subjects))
	for i, s := range samples {
		medians[i] = cost{median(s, func(c cost) float64 { return c.micros }), median(s, func(c cost) float64 { return c.bytes })}
	}
	return medians, nil
}

func measure(subject func() error, calls int) cost {
	var before, after runtime.MemStats
	runtime.GC() // nobody pays for another's garbage, and pools are not full
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range calls {
		if err := subject(); err != nil {
			panic(err) // it did not fail before
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	n := float64(calls)
	return cost{float64(took.Nanoseconds()) / 1e3 / n, float64(after.TotalAlloc-before.TotalAlloc) / n}
}

func median(samples []cost, of func(cost) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
