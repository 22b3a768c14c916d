package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

// showQueue prints the queue of a document's write lock.
func (c *cli) showQueue(ctx context.Context, path string) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return c.withStore(ctx, false, func(s store.Store) error {
		queue, err := s.Queue(ctx, path)
		if err != nil {
			return err
		}
		if c.output == "json" {
			return c.printJSON(waitersJSON(queue))
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tHOST\tPID\tSINCE\tENDS WITH\tKEY")
		for _, place := range queue {
			ends := "session " + place.Session
			if place.Session == "" {
				ends = "nothing: it was left behind"
			}
			pid := ""
			if place.PID != 0 {
				pid = strconv.Itoa(place.PID)
			}
			fmt.Fprintln(w, strings.Join([]string{
				printable.Line(place.ID), printable.Line(place.Host), pid, timeOf(place.Since), printable.Line(ends), printable.Line(place.Key),
			}, "\t"))
		}
		return w.Flush()
	})
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
