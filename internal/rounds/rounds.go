// Package rounds lets many callers share one round of costly work without handing
// any of them an answer from before it asked.
//
// It is singleflight with one difference. A call never joins a round that was under
// way when it began: that round's request may have left before the call was made,
// and its answer would not be linearizable. It joins the round that starts next.
package rounds

import (
	"context"
	"sync"
)

// Rounds is one kind of shared work. The zero value is ready; all methods may be
// called concurrently.
type Rounds struct {
	mu      sync.Mutex // guards all below
	running bool
	next    *round // who waits for the round after the running one
}

type round struct {
	done chan struct{}
	err  error // valid once done is closed
}

// Join waits for a round that starts after the call, at most until ctx ends, and
// returns the round's error. start begins a round: it must not block, and it must
// call done, once, when the round is over. A round belongs to all who joined it, so
// the context of none of them should end it.
func (r *Rounds) Join(ctx context.Context, start func(done func(error))) error {
	r.mu.Lock()
	if r.next == nil {
		r.next = &round{done: make(chan struct{})}
	}
	mine := r.next
	launch := r.takeLocked()
	r.mu.Unlock()
	r.run(launch, start)
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeLocked returns the round to launch now, or nil.
func (r *Rounds) takeLocked() *round {
	if r.running || r.next == nil {
		return nil
	}
	launch := r.next
	r.next, r.running = nil, true
	return launch
}

func (r *Rounds) run(launch *round, start func(done func(error))) {
	if launch == nil {
		return
	}
	start(func(err error) {
		launch.err = err
		close(launch.done)
		r.mu.Lock()
		r.running = false
		following := r.takeLocked()
		r.mu.Unlock()
		r.run(following, start)
	})
}
