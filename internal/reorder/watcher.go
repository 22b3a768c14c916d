package reorder

import (
	"context"
	"sync"
	"time"

	"github.com/zkstate/zkstate/store"
)

// watcher holds hints back, loses some and gives some twice.
type watcher struct {
	store *Store
	path  string
	every time.Duration
	hint  func()
	ctx   context.Context // ends when it is stopped
	stop  func()

	inner store.Watcher // guarded by the store's mu
}

// Watch implements [store.Store].
func (s *Store) Watch(path string, every time.Duration, hint func()) store.Watcher {
	w := &watcher{store: s, path: path, every: every, hint: hint}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	w.inner = s.inner.Watch(path, every, w.hinted)
	s.watchers[w] = struct{}{}
	w.stop = sync.OnceFunc(func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, w)
		w.inner.Stop()
	})
	return w
}

func (w *watcher) rewatchLocked() {
	w.inner.Stop()
	w.inner = w.store.inner.Watch(w.path, w.every, w.hinted)
}

// hinted passes a hint on.
func (w *watcher) hinted() {
	go func() {
		f := w.store.fate(hint)
		if f.lost {
			return
		}
		w.give(f.before)
		if f.after > 0 {
			w.give(f.after)
		}
	}()
}

// give gives a hint after a while.
func (w *watcher) give(after time.Duration) {
	if pause(w.ctx, after) == nil {
		w.hint()
	}
}

// Confirmed implements [store.Watcher].
func (w *watcher) Confirmed(v store.Version) time.Time {
	w.store.mu.Lock()
	inner := w.inner
	w.store.mu.Unlock()
	return inner.Confirmed(v)
}

// Stop implements [store.Watcher].
func (w *watcher) Stop() { w.stop() }
