package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

// showQueue prints who has the lock of a document, and who waits for it.
func (c *cli) showQueue(ctx context.Context, path string) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return c.withStore(ctx, false, func(s store.Store) error {
		var queue []store.Waiter
		if err := document.Persist(ctx, func() (err error) {
			queue, err = s.Queue(ctx, path)
			return err
		}); err != nil {
			return err
		}
		if c.output == "json" {
			return c.printJSON(document.Waiters(queue))
		}
		rows := [][]string{{"ID", "HOST", "PID", "SINCE", "PLACE", "KEY"}}
		for i, waiter := range queue {
			rows = append(rows, []string{waiter.ID, waiter.Host, strconv.Itoa(waiter.PID), timeOf(waiter.Since), placeOf(i, waiter), waiter.Key})
		}
		return c.printTable(rows)
	})
}

func placeOf(ahead int, w store.Waiter) string {
	place := "holds it"
	if ahead > 0 {
		place = fmt.Sprintf("waits behind %d", ahead)
	}
	if w.Session == "" {
		place += ", left behind"
	}
	return place
}

// errNoPlace means that a queue has no such place.
var errNoPlace = errors.New("there is no place")

// breakLock removes a place from the queue of a document's write lock.
func (c *cli) breakLock(ctx context.Context, path, key string) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return c.withStore(ctx, false, func(s store.Store) error {
		err := s.BreakLock(ctx, path, key)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("lock %s: %w of the key %q", path, errNoPlace, key)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.stdout, "removed", printable.Line(key))
		return err
	})
}

// holder says who has a lock, as far as the store knows.
func (c *cli) holder(ctx context.Context, s store.Store, path string) string {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	queue, err := s.Queue(ctx, path)
	if err != nil || len(queue) == 0 {
		return ""
	}
	return " by " + describe(queue[0])
}

func describe(w store.Waiter) string {
	who := w.ID
	if w.PID != 0 {
		who += fmt.Sprintf(", process %d", w.PID)
	}
	if w.Host != "" {
		who += " on " + w.Host
	}
	if w.Session == "" {
		who += ", left behind"
	}
	return who + ", in the queue since " + timeOf(w.Since)
}
