package main

import (
	"context"
	"sync"
	"time"
)

// arrivals knows what the followers of one document have seen. A value is a number that grows.
type arrivals struct {
	mu     sync.Mutex          // guards what follows
	newest []int64             // that each follower has seen
	at     map[int64]time.Time // when the first follower saw a value or a later one
	want   int64               // what somebody waits for
	left   int                 // followers that have not seen it
	all    chan struct{}       // closed when none is left
}

func newArrivals(followers int) *arrivals {
	return &arrivals{newest: make([]int64, followers), at: map[int64]time.Time{}}
}

// saw notes that a follower has seen a value.
func (a *arrivals) saw(follower int, value int64) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.newest[follower]
	if value <= before {
		return
	}
	a.newest[follower] = value
	for passed := before + 1; passed <= value; passed++ {
		if _, ok := a.at[passed]; !ok {
			a.at[passed] = now
		}
	}
	if before < a.want && value >= a.want {
		if a.left--; a.left == 0 {
			close(a.all)
		}
	}
}

// expect returns a channel that is closed when all followers have seen a value. One value is
// expected at a time.
func (a *arrivals) expect(value int64) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.want, a.left, a.all = value, 0, make(chan struct{})
	for _, newest := range a.newest {
		if newest < value {
			a.left++
		}
	}
	if a.left == 0 {
		close(a.all)
	}
	return a.all
}

// times returns when each value was seen first.
func (a *arrivals) times() map[int64]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	times := make(map[int64]time.Time, len(a.at))
	for value, at := range a.at {
		times[value] = at
	}
	return times
}

// change sets a value and waits until all followers have seen it.
func (a *arrivals) change(ctx context.Context, set func(context.Context, int64) error, value int64) (time.Duration, error) {
	all := a.expect(value)
	begun := time.Now()
	if err := set(ctx, value); err != nil {
		return 0, err
	}
	select {
	case <-all:
		return time.Since(begun), nil
	case <-ctx.Done():
		return never, nil
	}
}
