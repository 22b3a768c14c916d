package sqlitestore

import (
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/store"
)

var _ store.Measured = (*Store)(nil)

// counters are what a store counts.
type counters struct {
	calls, looks, looksFailed atomic.Uint64
	lookTime                  atomic.Int64 // nanoseconds
}

// Stats implements [store.Measured]. A request is a call of one of the store's methods, and
// a round is a look for what others have committed.
func (s *Store) Stats() store.Stats {
	c := &s.counters
	return store.Stats{
		Status: s.Status(), Server: s.file, Followed: s.watch.documents(), Requests: c.calls.Load(),
		RoundFailures: c.looksFailed.Load(), // before all rounds, so that they are never fewer
		Rounds:        c.looks.Load(), RoundTime: time.Duration(c.lookTime.Load()),
	}
}

// countLook notes how a look ended that began then.
func (c *counters) countLook(begun time.Time, err error) {
	c.looks.Add(1)
	if err != nil {
		c.looksFailed.Add(1)
	} else {
		c.lookTime.Add(int64(time.Since(begun)))
	}
}

// documents is how many documents are followed.
func (w *follower) documents() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.paths) - len(w.queues)
}
