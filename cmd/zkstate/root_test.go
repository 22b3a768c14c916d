package main

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeoutIncludesClosing: a command whose work takes all its time, and whose store
// does not close, ends when --timeout says.
func TestTimeoutIncludesClosing(t *testing.T) {
	for _, timeout := range []time.Duration{100 * time.Millisecond, 3 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := &cli{timeout: timeout, stderr: io.Discard}
			start := time.Now()
			ctx, cancel := c.bounded(t.Context())
			defer cancel()
			<-ctx.Done()
			hung := make(chan struct{})
			for range 2 { // the document and the store
				c.close(ctx, "what hangs", func() error { <-hung; return nil })
			}
			if took := time.Since(start); took != timeout {
				t.Errorf("--timeout %v took %v", timeout, took)
			}
			close(hung)
			c.close(ctx, "what fails", func() error { return errors.New("not the command's error") })
		})
	}
}
