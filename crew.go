package zkstate

import (
	"context"
	"sync"
)

// crew is a set of goroutines that is waited for once. The zero value is ready.
type crew struct {
	mu        sync.Mutex // guards dismissed, and orders starting before waiting
	dismissed bool
	busy      sync.WaitGroup
}

// start runs fn on a goroutine, or reports false after dismiss.
func (c *crew) start(fn func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dismissed {
		c.busy.Go(fn)
	}
	return !c.dismissed
}

// dismiss lets nobody start any more and waits for those who did. It reports
// false if ctx ends first.
func (c *crew) dismiss(ctx context.Context) bool {
	c.mu.Lock()
	c.dismissed = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.busy.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
