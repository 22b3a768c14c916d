package zkstate

import (
	"time"
)

// Health is what a State knows of itself. It is for probes and pages: whether a
// value may be used is what Read says.
type Health struct {
	Connected bool          // the store answers, as far as is known without asking
	Session   string        // names the store's session, "" if it has none
	Verified  time.Time     // for when the store confirmed the copy last, zero if it never did
	Age       time.Duration // since then, as Read measures it; the maximum if it never did
	Version   Version       // of the copy
	Err       error         // what is wrong, nil if nothing is
}

// Health returns at once and without asking the store. Err is nil if the copy is
// good and the last look at the store worked; else it matches [ErrClosed],
// [ErrDeleted], [ErrRejected], or what the last look failed with, such as
// [ErrUnavailable].
func (st *State[T]) Health() Health {
	cur := st.current.Load()
	verified := st.verified(cur)
	status := st.store.Status()
	h := Health{
		Connected: status.Connected, Session: status.Session,
		Verified: verified, Age: age(verified), Version: cur.version,
	}
	switch failed := st.failed.Load(); {
	case st.isClosed(), cur.deleted:
		h.Err = st.unservable("follow", cur)
	case cur.rejected != nil:
		h.Err = cur.rejected
	case failed != nil:
		h.Err = *failed
	}
	return h
}
