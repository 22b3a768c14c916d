package zkstate

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Version identifies one state of a document: opaque, comparable with ==,
// ordered by Before, printable.
type Version = store.Version

// Snapshot is what [State.Snapshot] returns: the local copy as it is.
type Snapshot[T any] struct {
	Value    T
	Version  Version   // zero if there is no document
	Verified time.Time // for when the store confirmed it last; zero if it never did

	bound time.Duration // how old Read lets it become; negative if it does not serve it
}

// Age is how long ago the store confirmed the copy: by the monotonic or the wall clock,
// whichever says longer, since one of them stands still while a machine is suspended. It
// is the largest Duration if the store never did.
func (s Snapshot[T]) Age() time.Duration { return age(s.Verified) }

// Fresh reports whether Read would serve the copy now, were the State as it was when the
// snapshot was taken: it has a document, it was not closed, and Age is within MaxStaleness.
func (s Snapshot[T]) Fresh() bool { return s.Age() <= s.bound }

// snapshot is one committed state of the document, decoded. After it was published only
// its differences grow.
type snapshot[T any] struct {
	value   T
	doc     []byte  // nil: there is no document
	version Version // zero: there is no document
	origin  string  // the listener that committed it, where known
	encoded []byte  // T's encoding of the value, where it is known

	commits uint64 // from the State's first copy on, as far as is known; only differences mean anything
	history uint64 // tells the histories of the store apart: published.replaced as it was then

	differences atomic.Pointer[differences] // from older snapshots; nil until somebody asks for one
}

// published is the local copy: what reads see, swapped as a whole.
type published[T any] struct {
	*snapshot[T]
	newest   Version        // the newest version seen, rejected or deleted ones too
	asOf     int64          // the point in the store's order where that was committed, or deleted; 0 if not known
	settled  uint64         // the State's event when newest or deleted last moved
	replaced uint64         // the State's event when the store's history was last found replaced
	commits  uint64         // as snapshot.commits, rejected ones too
	verified time.Time      // sent-time of the request that confirmed it last
	rejected *RejectedError // newest is this, not snapshot
	deleted  bool           // the document is gone; value is its last
}

// known is the version of which the store need not send the bytes again.
func (p *published[T]) known() Version {
	if p.deleted {
		return Version{}
	}
	return p.newest
}

// at is the newest version, zero if the document is gone.
func (p *published[T]) at() Version {
	switch {
	case p.deleted:
		return Version{}
	case p.newest.IsZero():
		return p.version // from a cache
	}
	return p.newest
}

// isFollowedBy reports whether v can come after the copy in one history of the store.
func (p *published[T]) isFollowedBy(v Version) bool {
	if p.deleted {
		return v.Created() > p.least()
	}
	return v.Follows(p.newest)
}

// follows reports whether the copy, or its deletion, can come after v in one history.
func (p *published[T]) follows(v Version) bool {
	return p.newest == v || p.newest.Follows(v) || p.deleted && v.Follows(p.newest)
}

// age is how long ago a copy was verified: the larger of monotonic and wall time. The
// monotonic clock stands still while a machine sleeps, the wall clock jumps.
func age(verified time.Time) time.Duration {
	if verified.IsZero() {
		return math.MaxInt64
	}
	now := time.Now() // reads both
	return max(now.Sub(verified), time.Duration(now.UnixNano()-verified.UnixNano()))
}
