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
	hints chan struct{}
	ctx   context.Context // ends when it is stopped
	stop  func()

	// Guarded by the store's mu.
	inner store.Watcher
	moved chan struct{} // closed when inner is replaced
}

// Watch implements [store.Store].
func (s *Store) Watch(path string, every time.Duration) store.Watcher {
	w := &watcher{store: s, path: path, every: every, hints: make(chan struct{}, 1)}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	w.inner, w.moved = s.inner.Watch(path, every), make(chan struct{})
	s.watchers[w] = struct{}{}
	w.stop = sync.OnceFunc(func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, w)
		w.inner.Stop()
	})
	go w.forward()
	return w
}

func (w *watcher) rewatchLocked() {
	w.inner.Stop()
	close(w.moved)
	w.inner, w.moved = w.store.inner.Watch(w.path, w.every), make(chan struct{})
}

// forward passes the hints on until the watcher is stopped.
func (w *watcher) forward() {
	for {
		w.store.mu.Lock()
		hints, moved := w.inner.Hints(), w.moved
		w.store.mu.Unlock()
		select {
		case <-hints:
		case <-moved:
		case <-w.ctx.Done():
			return
		}
		f := w.store.fate(hint)
		if f.lost {
			continue
		}
		w.give(f.before)
		if f.after > 0 {
			w.give(f.after)
		}
	}
}

// give gives a hint after a while.
func (w *watcher) give(after time.Duration) {
	if pause(w.ctx, after) != nil {
		return
	}
	select {
	case w.hints <- struct{}{}:
	default:
	}
}

// Hints implements [store.Watcher].
func (w *watcher) Hints() <-chan struct{} { return w.hints }

// Confirmed implements [store.Watcher].
func (w *watcher) Confirmed(v store.Version) time.Time {
	w.store.mu.Lock()
	inner := w.inner
	w.store.mu.Unlock()
	return inner.Confirmed(v)
}

// Stop implements [store.Watcher].
func (w *watcher) Stop() { w.stop() }
