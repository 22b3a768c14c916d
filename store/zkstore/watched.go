package zkstore

import (
	"sync"
	"time"

	"github.com/zkstate/zkstate/store"
)

// watchedCache remembers which version of each followed payload the last look showed,
// for as long as the watch that the look set has not fired: it would have told of a
// change. That is as good as another look, and saves a commit the round trip of asking
// whether the document is still the same one. The zero value is ready.
//
// A payload that was seen within the last millisecond, whether or not a watch was set,
// need not be looked at again either: another look would be about as old when the
// commit arrives.
type watchedCache struct {
	mu    sync.Mutex // guards all below
	nodes map[string]*watchedNode
	lost  uint64 // connections, and all their watches with them
	last  seenNode
}

type watchedNode struct {
	events  uint64        // so far
	version store.Version // that the last look showed, zero if there was no node
	trusted bool          // the last look set a watch, which has not fired
	stale   bool          // an event came after the last look
}

// seenNode is the last that was seen of any payload.
type seenNode struct {
	full    string
	version store.Version
	at      time.Time
}

// seenFor is about a round trip.
const seenFor = time.Millisecond

// begin is called before a look, which sets a watch if it is followed; saw wants what it
// returns.
func (w *watchedCache) begin(full string, followed bool) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.nodes[full]
	if n == nil && followed { // from here on events are counted
		if w.nodes == nil {
			w.nodes = make(map[string]*watchedNode)
		}
		n = &watchedNode{}
		w.nodes[full] = n
	}
	if n == nil {
		return w.lost
	}
	return n.events + w.lost // both only grow
}

// saw notes what a look showed. followed says that it set a watch.
func (w *watchedCache) saw(full string, since uint64, version store.Version, followed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = seenNode{full, version, time.Now()}
	n := w.nodes[full]
	if n == nil || !followed {
		return
	}
	n.stale = false
	if n.events+w.lost == since { // no event came meanwhile
		n.version, n.trusted = version, true
	}
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
	return n != nil && n.trusted && n.version == version && !version.IsZero()
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
	if w.last.full == full {
		w.last = seenNode{}
	}
	if n := w.nodes[full]; n != nil {
		n.events++
		n.trusted, n.stale = false, true
	}
}

// forget notes that nobody follows the payload any more.
func (w *watchedCache) forget(full string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := w.nodes[full]; n != nil {
		w.lost += n.events + 1 // a look that is under way is not about a node that comes later
		delete(w.nodes, full)
	}
}

// clear forgets all watches: a new connection has none.
func (w *watchedCache) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost++
	w.last = seenNode{}
	for _, n := range w.nodes {
		n.trusted = false
	}
}
