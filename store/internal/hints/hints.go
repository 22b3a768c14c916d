// Package hints keeps who is to be told that something may have changed. It is shared by the
// three backends.
package hints

import (
	"slices"
	"sync"
)

// Hub calls functions. The zero Hub is ready for use. All methods may be called concurrently and
// none of them blocks.
type Hub struct {
	mu       sync.Mutex // guards watchers; a list is never changed in place
	watchers map[string][]*watch
}

type watch struct{ hint func() }

// Watch has hint called for each signal, until stop. It must not block, and may still be called
// while stop returns.
func (h *Hub) Watch(path string, hint func()) (stop func()) {
	w := &watch{hint}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[string][]*watch)
	}
	h.watchers[path] = append(slices.Clip(h.watchers[path]), w)
	return func() { h.stop(path, w) }
}

// Channel is Watch with a channel instead of a function. Signals that are not received are merged.
func (h *Hub) Channel(path string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	return ch, h.Watch(path, Into(ch))
}

// Into returns a function that puts a signal into a channel that has room for it.
func Into(ch chan<- struct{}) func() {
	return func() {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (h *Hub) stop(path string, gone *watch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(h.watchers[path]), func(w *watch) bool { return w == gone })
	if h.watchers[path] = left; len(left) == 0 {
		delete(h.watchers, path)
	}
}

// Signal hints every watcher of path.
func (h *Hub) Signal(path string) {
	h.mu.Lock()
	watchers := h.watchers[path]
	h.mu.Unlock()
	for _, w := range watchers {
		w.hint()
	}
}

// SignalAll hints every watcher: news of any path could have been missed.
func (h *Hub) SignalAll() {
	h.mu.Lock()
	var all []*watch
	for _, watchers := range h.watchers {
		all = append(all, watchers...)
	}
	h.mu.Unlock()
	for _, w := range all {
		w.hint()
	}
}

// Len is how many paths are watched.
func (h *Hub) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers)
}

// Any reports whether anybody watches anything.
func (h *Hub) Any() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers) > 0
}
