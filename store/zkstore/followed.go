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
	hint  func()
}

// Watch implements [store.Store].
func (s *Store) Watch(path string, every time.Duration, hint func()) store.Watcher {
	w := &watcher{store: s, every: max(every, minEvery), hint: hint}
	s.watched.follow(s.payload(path), w)
	s.verifier.start.Do(func() { s.goOn(s.verify) })
	s.verifier.wakeUp()
	return w
}

// minEvery bounds how often a handle makes rounds.
const minEvery = 10 * time.Millisecond

// Confirmed implements [store.Watcher].
func (w *watcher) Confirmed(v store.Version) time.Time {
	return w.store.watched.confirmed(w.node, v)
}

// Stop implements [store.Watcher].
func (w *watcher) Stop() {
	if w.store.watched.unfollow(w) {
		w.store.folders.forget(w.store.documentOf(w.node.full))
		w.store.verifier.wakeUp()
	}
}

// follow adds a watcher of a payload.
func (w *watchedCache) follow(full string, by *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nodes == nil {
		w.nodes, w.every = make(map[string]*watchedNode), make(map[time.Duration]int)
	}
	n := w.nodes[full]
	if n == nil {
		n = &watchedNode{full: full, index: int32(len(w.order))}
		w.nodes[full], w.order = n, append(w.order, n)
	}
	by.node = n
	n.watchers = append(slices.Clip(n.watchers), by)
	w.every[by.every]++
}

// signal hints all that follow a payload.
func (w *watchedCache) signal(full string) {
	w.mu.Lock()
	var watchers []*watcher
	if n := w.nodes[full]; n != nil {
		watchers = n.watchers
	}
	w.mu.Unlock()
	for _, watcher := range watchers {
		watcher.hint()
	}
}

// unfollow ends a watcher, once, and reports whether it was the last one of its payload:
// then what the server watches for it is to be removed.
func (w *watchedCache) unfollow(gone *watcher) (last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if gone.every == 0 {
		return false
	}
	if w.every[gone.every]--; w.every[gone.every] == 0 {
		delete(w.every, gone.every)
	}
	gone.every = 0
	n := gone.node
	n.watchers = slices.DeleteFunc(slices.Clone(n.watchers), func(w *watcher) bool { return w == gone })
	if len(n.watchers) > 0 {
		return false
	}
	delete(w.nodes, n.full)
	end := len(w.order) - 1
	w.order[n.index], w.order[end].index = w.order[end], n.index
	w.order[end] = nil
	w.order = w.order[:end]
	w.left = append(w.left, n.full)
	return true
}

// takeLeft returns up to n payloads that nobody follows any more. Until they are removed, what
// looks at them show is not trusted: their watch may be the one that is removed.
func (w *watchedCache) takeLeft(n int) (fulls []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.left) > 0 && len(fulls) < n {
		full := w.left[len(w.left)-1]
		w.left = w.left[:len(w.left)-1]
		if w.nodes[full] == nil {
			fulls = append(fulls, full)
		}
	}
	w.removing = fulls
	if len(w.left) == 0 {
		w.left = nil
	}
	return fulls
}

// removed says that the watches of what takeLeft returned are gone.
func (w *watchedCache) removed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, full := range w.removing {
		w.movedLocked(full)
	}
	w.removing = nil
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
