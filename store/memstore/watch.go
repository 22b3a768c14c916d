package memstore

import (
	"time"

	"github.com/zkstate/zkstate/store"
)

// watcher is what Watch returns.
type watcher struct {
	store *Store
	path  string
	stop  func()
}

// Watch implements [store.Store]. Documents are confirmed when somebody asks.
func (s *Store) Watch(path string, _ time.Duration, hint func()) store.Watcher {
	return &watcher{store: s, path: path, stop: s.hints.Watch(path, hint)}
}

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
