package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestDriveCountsForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Client 0 takes 100 ms for each, client 1 takes 300 ms and ends after the time.
		r, err := drive(t.Context(), 2, time.Second, func(_ context.Context, i int) (outcome, error) {
			time.Sleep([]time.Duration{100, 300}[i] * time.Millisecond)
			return applied, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Each, []int64{10, 4}) || r.Acks != 14 || r.Unknown != 0 || r.Seconds != 1.2 {
			t.Errorf("%+v", r)
		}
	})
}

func TestDriveTellsOutcomesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := 0
		r, err := drive(t.Context(), 1, 9*time.Millisecond, func(context.Context, int) (outcome, error) {
			time.Sleep(time.Millisecond)
			turn++
			return []outcome{refused, applied, unknown}[turn%3], nil
		})
		if err != nil || r.Acks != 3 || r.Unknown != 3 || r.Seconds != 0.009 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestDriveEndsWithTheFirstError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("failure")
		start := time.Now()
		_, err := drive(t.Context(), 2, time.Hour, func(ctx context.Context, i int) (outcome, error) {
			if i == 0 {
				return refused, failure
			}
			<-ctx.Done()
			return refused, ctx.Err()
		})
		if !errors.Is(err, failure) || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
