// Package hints keeps the level-triggered channels that a backend's Watch hands
// out. It is shared by the three backends.
package hints

import "sync"

// Hub hands out and signals hint channels. The zero Hub is ready for use. All
// methods may be called concurrently and none of them blocks.
type Hub struct {
	mu       sync.Mutex // guards watchers
	watchers map[string]map[chan struct{}]struct{}
}

// Watch implements the method of the same name of store.Store.
func (h *Hub) Watch(path string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[string]map[chan struct{}]struct{})
	}
	if h.watchers[path] == nil {
		h.watchers[path] = make(map[chan struct{}]struct{})
	}
	h.watchers[path][ch] = struct{}{}
	return ch, func() { h.stop(path, ch) }
}

func (h *Hub) stop(path string, ch chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers[path], ch)
	if len(h.watchers[path]) == 0 {
		delete(h.watchers, path)
	}
}

// Signal hints every watcher of path.
func (h *Hub) Signal(path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.watchers[path] {
		signal(ch)
	}
}

// SignalAll hints every watcher: news of any path could have been missed.
func (h *Hub) SignalAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, chans := range h.watchers {
		for ch := range chans {
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
