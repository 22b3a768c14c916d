package zkstate

import (
	"context"

	"github.com/zkstate/zkstate/store"
)

// absentee is a listener that did not say good-bye and whose record is not there. Its
// reads may serve what they have until its MaxStaleness has passed.
type absentee struct {
	Listener
	record store.Listener
}

// absentees returns the listeners that have not withdrawn and are not among those present.
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
