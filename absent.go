package zkstate

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/zkstate/zkstate/store"
)

// absentee is a listener that did not say good-bye and whose record is not there. Its
// reads may serve what they have until its MaxStaleness has passed.
type absentee struct {
	Listener
	record store.Listener
}

// absentees returns who should be there besides those present.
func (st *State[T]) absentees(ctx context.Context, present []string) ([]absentee, error) {
	records, err := st.store.Absent(ctx, st.path, present)
	if err != nil {
		return nil, err
	}
	found := make([]absentee, len(records))
	for i, record := range records {
		l := parseListener(record)
		l.Status, l.Reason, l.Applied = StatusLost, "its session ended without a good-bye", Version{}
		if l.MaxStaleness <= 0 {
			l.MaxStaleness = DefaultMaxStaleness
		}
		found[i] = absentee{l, record}
	}
	return found, nil
}

// forget drops the memory of listeners that cannot serve anything old any more. What
// fails is left to others.
func (st *State[T]) forget(ctx context.Context, gone []absentee) {
	for _, l := range gone {
		if err := st.store.Forget(ctx, st.path, l.record); err != nil {
			st.cfg.logger.Info("zkstate: a lost listener is not forgotten yet", "path", st.path, "listener", l.ID, "error", err)
		}
	}
}

// forgetters is how many of a document's listeners look for lost ones, on the average,
// after they have started.
const forgetters = 3

// forgetLost forgets those that were lost, and stay lost for their MaxStaleness, if it
// falls to this State. Nothing depends on it but tidiness: the waiters see for themselves.
func (st *State[T]) forgetLost() {
	ctx, cancel := context.WithTimeout(st.ctx, 2*lookBound)
	defer cancel()
	place, err := st.store.Stat(ctx, st.path, store.Local)
	if err != nil || rand.IntN(max(place.Listeners, 1)) >= forgetters {
		return
	}
	present, err := st.Listeners(ctx)
	if err != nil {
		return
	}
	ids := make([]string, len(present))
	for i, l := range present {
		ids[i] = l.ID
	}
	lost, err := st.absentees(ctx, ids)
	if err != nil {
		return
	}
	for _, l := range lost {
		if !pause(st.ctx, l.MaxStaleness) {
			return
		}
		ctx, cancel := context.WithTimeout(st.ctx, lookBound)
		st.forget(ctx, []absentee{l})
		cancel()
	}
}

// forgetLostLater lets forgetLost run once, when the State has been open for a while.
func (st *State[T]) forgetLostLater() *time.Timer {
	return time.AfterFunc(jitter(2*st.cfg.maxStaleness), func() {
		st.tasks.start(func() {
			_ = st.protect(func() error { st.forgetLost(); return nil }) // which logs
		})
	})
}
