package zkstore

import (
	"slices"
	"time"

	"github.com/zkstate/zkstate/store"
)

// watcher is what Watch returns.
type watcher struct {
	store *Store
	node  *watchedNode
	every time.Duration
	hints <-chan struct{}
	stop  func()
}

// Watch implements [store.Store].
func (s *Store) Watch(path string, every time.Duration) store.Watcher {
	w := &watcher{store: s, every: max(every, minEvery)}
	full := s.payload(path)
	w.hints, w.stop = s.hints.Watch(full)
	w.node = s.watched.follow(path, full, w.every)
	s.verifier.start.Do(func() { s.goOn(s.verify) })
	s.verifier.wakeUp()
	return w
}

// minEvery bounds how often a handle makes rounds.
const minEvery = 10 * time.Millisecond

// Hints implements [store.Watcher].
func (w *watcher) Hints() <-chan struct{} { return w.hints }

// Confirmed implements [store.Watcher].
func (w *watcher) Confirmed(v store.Version) time.Time {
	return w.store.watched.confirmed(w.node, v)
}

// Stop implements [store.Watcher].
func (w *watcher) Stop() {
	w.stop()
	w.store.watched.unfollow(w)
}

// follow returns the node of a payload that one more watcher follows.
func (w *watchedCache) follow(path, full string, every time.Duration) *watchedNode {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nodes == nil {
		w.nodes, w.every = make(map[string]*watchedNode), make(map[time.Duration]int)
	}
	n := w.nodes[full]
	if n == nil {
		n = &watchedNode{path: path, full: full, index: len(w.order)}
		w.nodes[full], w.order = n, append(w.order, n)
	}
	n.watchers++
	w.every[every]++
	return n
}

// unfollow ends a watcher, once.
func (w *watchedCache) unfollow(gone *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if gone.every == 0 {
		return
	}
	if w.every[gone.every]--; w.every[gone.every] == 0 {
		delete(w.every, gone.every)
	}
	gone.every = 0
	n := gone.node
	if n.watchers--; n.watchers > 0 {
		return
	}
	delete(w.nodes, n.full)
	last := len(w.order) - 1
	w.order[n.index], w.order[last].index = w.order[last], n.index
	w.order[last] = nil
	w.order = w.order[:last]
}

// demand returns how many payloads are followed, and how often the most demanding watcher
// wants a round.
func (w *watchedCache) demand() (count int, every time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for d := range w.every {
		if every == 0 || d < every {
			every = d
		}
	}
	return len(w.order), every
}

// sample returns the next n payloads of the rotation.
func (w *watchedCache) sample(n int) (nodes []*watchedNode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range min(n, len(w.order)) {
		w.cursor %= len(w.order)
		nodes = append(nodes, w.order[w.cursor])
		w.cursor++
	}
	return nodes
}

// takeAgain returns up to n payloads that are still to be looked at on the present
// connection, and which that is.
func (w *watchedCache) takeAgain(n int) ([]*watchedNode, uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = min(n, len(w.again))
	nodes := slices.Clone(w.again[len(w.again)-n:])
	clear(w.again[len(w.again)-n:])
	w.again = w.again[:len(w.again)-n]
	return nodes, w.conn
}

// putAgain gives back what could not be looked at on that connection.
func (w *watchedCache) putAgain(nodes []*watchedNode, conn uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if conn == w.conn { // else all are
		w.again = append(w.again, nodes...)
	}
}
