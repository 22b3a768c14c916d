package zkstore

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/store"
)

// watchedCache remembers which version of each followed payload the last look showed,
// for as long as the watch that the look set has not fired: it would have told of a
// change. That is as good as another look: it saves a commit the round trip of asking
// whether the document is still the same one, and one round of the handle confirms all
// of them. The zero value is ready.
//
// A payload that was seen within the last millisecond, whether or not a watch was set,
// need not be looked at again either: another look would be about as old when the
// commit arrives.
type watchedCache struct {
	proof atomic.Pointer[proof] // the newest; swapped under mu

	mu     sync.Mutex // guards all below
	nodes  map[string]*watchedNode
	order  []*watchedNode // all of them, for the sample
	cursor int            // where in order the sample goes on
	again  []*watchedNode // to be looked at on the present connection
	every  map[time.Duration]int
	conn   uint64 // the newest connection
	last   seenNode

	left     []string // payloads that nobody follows any more, and that the server still watches
	removing []string // those whose watches are being removed
}

// proof says that a quorum has answered on a connection.
type proof struct {
	conn  uint64
	asked time.Time // before the request was sent
}

// watchedNode is a payload that somebody follows.
type watchedNode struct {
	full  string
	shown atomic.Pointer[shown] // swapped under the cache's mu

	// Guarded by the cache's mu.
	watchers []*watcher // never changed in place
	events   uint64     // so far
	index    int32      // in order
	stale    bool       // an event came after the last look
}

// shown is what the last look at a payload showed.
type shown struct {
	version store.Version // zero if there was no node
	conn    uint64        // on which the look set its watch; 0 if it has fired, or went with the connection
	until   time.Time     // for when the version is confirmed whatever becomes of the watch
}

// seenNode is the last that was seen of any payload.
type seenNode struct {
	full    string
	version store.Version
	at      time.Time
}

// seenFor is about a round trip.
const seenFor = time.Millisecond

// mark is where a look begins. Its node is nil if nobody follows the payload.
type mark struct {
	full   string
	node   *watchedNode
	events uint64
}

// followed reports whether the look is to set a watch.
func (m mark) followed() bool { return m.node != nil }

// confirmed implements [store.Watcher]. The proof is loaded before what was shown: what
// ends a watch is told before the reply that makes the proof, on the same connection, and
// is noted before the proof is. So whoever sees the proof sees that the watch has ended.
// In the other order a watch could be seen as it was before an event, and a proof from
// after it. What a later look showed is no older than the proof either: its answer came
// behind that of the round, or its watch was there when the round was answered.
func (w *watchedCache) confirmed(n *watchedNode, v store.Version) time.Time {
	p := w.proof.Load()
	s := n.shown.Load()
	switch {
	case s == nil || s.version != v:
		return time.Time{}
	case p != nil && p.conn == s.conn && p.asked.After(s.until):
		return p.asked
	}
	return s.until
}

// prove notes an answer of a quorum to what was asked then.
func (w *watchedCache) prove(conn uint64, asked time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.proof.Load()
	if conn != 0 && conn == w.conn && (p == nil || p.conn != conn || asked.After(p.asked)) {
		w.proof.Store(&proof{conn, asked})
	}
}

// proved returns when the newest proof of the present connection was asked for, zero if
// there is none.
func (w *watchedCache) proved() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.proof.Load(); p != nil && p.conn == w.conn {
		return p.asked
	}
	return time.Time{}
}

// begin is called before a look; saw wants what it returns.
func (w *watchedCache) begin(full string) mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := w.nodes[full]; n != nil {
		return mark{full, n, n.events}
	}
	return mark{full: full}
}

// saw notes what a look showed. conn is the connection on which it set a watch, 0 if it
// set none. moved says that the payload is not what was shown before. lost says that a
// watch should have told so, and has not.
func (w *watchedCache) saw(m mark, version store.Version, conn uint64) (moved, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = seenNode{m.full, version, time.Now()}
	return w.sawLocked(m, version, conn)
}

// unchanged notes that a watch was set on a payload that was at a version, and would have told of a change since the mark.
func (w *watchedCache) unchanged(m mark, version store.Version, conn uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.node.events == m.events {
		w.sawLocked(m, version, conn)
	}
}

func (w *watchedCache) sawLocked(m mark, version store.Version, conn uint64) (moved, lost bool) {
	n := m.node
	if n == nil || conn == 0 {
		return false, false
	}
	before := n.shown.Load()
	moved = n.stale || before == nil || before.version != version
	n.stale = false
	if n.events != m.events || conn != w.conn || slices.Contains(w.removing, m.full) { // an event came meanwhile, or the watch is gone already
		return true, false
	}
	next := &shown{version: version, conn: conn}
	if before != nil && before.version == version {
		next.until = w.confirmed(n, version)
	}
	n.shown.Store(next)
	return moved, before != nil && before.conn == conn && before.version != version
}

// made notes a version that a commit made.
func (w *watchedCache) made(full string, version store.Version) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = seenNode{full, version, time.Now()}
}

// fresh reports whether a payload is known to have that version, or had it just now.
func (w *watchedCache) fresh(full string, version store.Version) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.full == full && time.Since(w.last.at) < seenFor {
		return w.last.version == version
	}
	n := w.nodes[full]
	if n == nil || version.IsZero() {
		return false
	}
	s := n.shown.Load()
	return s != nil && s.conn != 0 && s.version == version
}

// likelyMoved reports whether a payload is likely to have another version than known,
// so that it is better to fetch it than to ask.
func (w *watchedCache) likelyMoved(full string, known store.Version) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.nodes[full]
	return n != nil && n.stale && !(w.last.full == full && w.last.version == known)
}

// moved notes an event: the watch has fired.
func (w *watchedCache) moved(full string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.movedLocked(full)
}

func (w *watchedCache) movedLocked(full string) {
	if w.last.full == full {
		w.last = seenNode{}
	}
	if n := w.nodes[full]; n != nil {
		n.events++
		n.stale = true
		w.endWatch(n)
	}
}

// clear ends all watches: a new connection has none. All are to be looked at again.
func (w *watchedCache) clear(conn uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn, w.last = conn, seenNode{}
	w.again, w.left = w.again[:0], nil
	for _, n := range w.order {
		w.endWatch(n)
		w.again = append(w.again, n)
	}
}

// endWatch keeps what was confirmed for as long as the watch was there; mu is held.
func (w *watchedCache) endWatch(n *watchedNode) {
	if s := n.shown.Load(); s != nil {
		n.shown.Store(&shown{version: s.version, until: w.confirmed(n, s.version)})
	}
}
