// Package hints keeps the level-triggered channels that a backend's Watch hands
// out. It is shared by the three backends.
package hints

import (
	"slices"
	"sync"
)

// Hub hands out and signals hint channels. The zero Hub is ready for use. All
// methods may be called concurrently and none of them blocks.
type Hub struct {
	mu       sync.Mutex // guards watchers
	watchers map[string][]chan struct{}
}

// Watch implements the method of the same name of store.Store.
func (h *Hub) Watch(path string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[string][]chan struct{})
	}
	h.watchers[path] = append(h.watchers[path], ch)
	return ch, func() { h.stop(path, ch) }
}

func (h *Hub) stop(path string, ch chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := slices.DeleteFunc(h.watchers[path], func(other chan struct{}) bool { return other == ch })
	if h.watchers[path] = left; len(left) == 0 {
		delete(h.watchers, path)
	}
}

// Signal hints every watcher of path.
func (h *Hub) Signal(path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, ch := range h.watchers[path] {
		signal(ch)
	}
}

// SignalAll hints every watcher: news of any path could have been missed.
func (h *Hub) SignalAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, chans := range h.watchers {
		for _, ch := range chans {
			signal(ch)
		}
	}
}

// Watched reports whether anybody watches path.
func (h *Hub) Watched(path string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers[path]) > 0
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

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
