package zkstate

import (
	"bytes"
	"context"
	"time"

	"github.com/zkstate/zkstate/store"
)

// inFlight is a commit that the store has not answered yet.
type inFlight struct {
	base     Version
	data     []byte
	answered chan struct{} // closed when the commit was published or failed
	overdue  bool          // the follower waited for it too long; only the follower uses this
}

// inFlight returns the State's commit that the store has not answered yet, or nil.
func (st *State[T]) inFlight() *inFlight {
	if q := st.writes.Load(); q != nil {
		return q.committing.Load()
	}
	return nil
}

// How long the follower waits for the State's own commit in flight.
const (
	flightWait = 20 * time.Millisecond  // before a look: the hint may be of that commit; once a commit
	originWait = 100 * time.Millisecond // after a look that shows that commit's bytes, to learn whether it is ours
)

// await waits for the answer, and reports false if it does not come in time.
func (f *inFlight) await(ctx context.Context, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-f.answered:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// yieldToOwnCommit waits until the State's own commit is published, if a load shows that
// commit. A load often shows a commit before the store has answered it, and a load does
// not say who committed.
func (st *State[T]) yieldToOwnCommit(ctx context.Context, rec store.Record) {
	flight := st.inFlight()
	if flight != nil && rec.Version.Created() == flight.base.Created() && rec.Version.Since(flight.base) == 1 && bytes.Equal(rec.Data, flight.data) {
		flight.await(ctx, originWait)
	}
}

// awaitOwnCommit waits for the commit in flight, if there is one, because a hint of it
// needs no look. It waits once for each commit, so a hung commit delays the follower once.
func (st *State[T]) awaitOwnCommit() {
	if flight := st.inFlight(); flight != nil && !flight.overdue {
		flight.overdue = !flight.await(st.ctx, flightWait)
	}
}
