package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/store"
)

// withStoreOnceThere is withStore for commands that only look. With wait it waits until
// somebody has created the file of an SQLite store.
func (c *cli) withStoreOnceThere(ctx context.Context, wait bool, fn func(store.Store) error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		opened := false
		err := c.withStore(ctx, false, func(s store.Store) error {
			opened = true
			return fn(s)
		})
		if opened || !wait || !errors.Is(err, store.ErrNotFound) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
}
