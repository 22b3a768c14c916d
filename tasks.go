package zkstate

import (
	"context"
	"sync"
)

// tasks is a set of goroutines that is waited for once. The zero value is ready.
type tasks struct {
	mu      sync.Mutex // guards stopped, and orders starting before waiting
	stopped bool
	running sync.WaitGroup
}

// start runs fn on a goroutine, or reports false after stop.
func (t *tasks) start(fn func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped {
		t.running.Go(fn)
	}
	return !t.stopped
}

// stop lets nobody start any more and waits for those who did. It reports
// false if ctx ends first.
func (t *tasks) stop(ctx context.Context) bool {
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	done := make(chan struct{})
	go func() {
		t.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
