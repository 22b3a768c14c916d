package main

import (
	"context"
	"sync"
	"time"

	"github.com/zkstate/zkstate/bench/peers"
)

// outcome is what became of one attempt to increment.
type outcome int

const (
	refused outcome = iota // nothing was written: try again
	applied
	unknown // the answer was lost
)

// drive releases clients together and lets each attempt to increment, again and
// again, for d. The attempts that are under way then are waited for, and count:
// the time ends with the last acknowledgement. The first error ends it.
func drive(ctx context.Context, clients int, d time.Duration, attempt func(ctx context.Context, client int) (outcome, error)) (peers.Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	counts := make([]count, clients)
	release := make(chan struct{})
	var start time.Time // set before the release
	var all sync.WaitGroup
	for i := range counts {
		all.Go(func() {
			<-release
			for time.Since(start) < d && ctx.Err() == nil {
				result, err := attempt(ctx, i)
				if err != nil {
					cancel(err)
					return
				}
				counts[i].add(result, start)
			}
		})
	}
	start = time.Now()
	close(release)
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return peers.Report{}, err
	}
	return total(counts, d), nil
}

// count is one client's.
type count struct {
	acks, unknown int64
	last          time.Duration // of the last acknowledgement
}

func (c *count) add(o outcome, start time.Time) {
	switch o {
	case applied:
		c.acks++
		c.last = time.Since(start)
	case unknown:
		c.unknown++
	}
}

// total adds up what clients that ran for d have counted.
func total(counts []count, d time.Duration) peers.Report {
	var r peers.Report
	last := d
	for _, c := range counts {
		r.Acks += c.acks
		r.Unknown += c.unknown
		r.Each = append(r.Each, c.acks)
		last = max(last, c.last)
	}
	r.Seconds = last.Seconds()
	return r
}
