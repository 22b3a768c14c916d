package zkstate

import (
	"context"
	"iter"
)

// Event is what [State.Watch] tells of a document.
type Event[T any] struct {
	Value   T         // the last good one; shared as for State.Read
	Version Version   // of Value; zero if Value was deleted, or is Open's initial value
	Changes ChangeSet // from the event before to this one: its From is that event's Version, its To this one's
}

// Watch returns the document as an endless sequence of events: one loop over it is all
// that a program needs to follow a document. The first event is the present value, without
// changes. An event follows whenever the value, the version or the condition is another
// one; its value, version, changes and condition belong together. A new version that
// differs in nothing has no changes.
//
// The error is the condition of the document. It is nil if the value is good. It matches
// [ErrRejected] if the newest document is not a good T, and then is a [RejectedError] that
// says where and why; [ErrDeleted] if there is none any more; and [ErrStale] if the value
// comes from the file of [WithCache], and the store has not confirmed it yet. With each of
// them the event has the last good value, and the sequence goes on. That the store cannot be reached is
// no event: [State.Read] and [State.Health] say so.
//
// By the time a read returns a new value, its event is there to be taken, and no event has
// an older value than one before it, unless Changes says that the store's history was
// Replaced. Whoever is slow gets fewer events: what was not taken is folded into one from
// the last version taken to the newest, and costs no memory meanwhile.
//
// The sequence blocks between events and ends when ctx ends or the State is closed. Each
// range over it begins anew with the present value, and several may run at a time. The
// events are shared: do not write to them.
func (st *State[T]) Watch(ctx context.Context) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		var last *snapshot[T]
		for cur := range st.copies(ctx) {
			if last == nil {
				last = cur.snapshot
			}
			e := Event[T]{Value: cur.value, Version: cur.version, Changes: fold(last, cur.snapshot)}
			last = cur.snapshot
			st.counters.delivery(e.Changes)
			if !yield(e, st.condition(cur)) {
				return
			}
		}
	}
}

// condition says what is wrong with a copy, whatever its age, nil if nothing is.
func (st *State[T]) condition(cur *published[T]) error {
	switch {
	case cur.deleted:
		return st.errDeleted("watch")
	case cur.rejected != nil:
		return cur.rejected
	case cur.newest.IsZero():
		return st.errUnverified("watch")
	}
	return nil
}

// copies is the sequence of the State's copies: first the present one, and then the newest
// one whenever its snapshot or its condition is not that of the copy before. It ends when
// ctx ends or the State is closed.
func (st *State[T]) copies(ctx context.Context) iter.Seq[*published[T]] {
	return func(yield func(*published[T]) bool) {
		wake, release := st.changed.subscribe()
		defer release()
		var last *published[T]
		for ctx.Err() == nil && !st.isClosed() {
			cur := st.current.Load()
			if last == nil || cur.snapshot != last.snapshot || cur.rejected != last.rejected {
				last = cur
				if !yield(cur) {
					return
				}
				continue
			}
			select {
			case <-wake:
			case <-ctx.Done():
			case <-st.ctx.Done():
			}
		}
	}
}
