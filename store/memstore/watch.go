package memstore

import (
	"time"

	"github.com/zkstate/zkstate/store"
)

// watcher is what Watch returns.
type watcher struct {
	store *Store
	path  string
	hints <-chan struct{}
	stop  func()
}

// Watch implements [store.Store]. Documents are confirmed when somebody asks.
func (s *Store) Watch(path string, _ time.Duration) store.Watcher {
	w := &watcher{store: s, path: path}
	w.hints, w.stop = s.hints.Watch(path)
	return w
}

// Hints implements [store.Watcher].
func (w *watcher) Hints() <-chan struct{} { return w.hints }

// Confirmed implements [store.Watcher].
func (w *watcher) Confirmed(v store.Version) time.Time {
	m := w.store.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, open := m.handles[w.store]; !open || m.documents[w.path].version != v {
		return time.Time{}
	}
	return time.Now()
}

// Stop implements [store.Watcher].
func (w *watcher) Stop() { w.stop() }
