package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

// showQueue prints who has the lock of a document, and who waits for it.
func (c *cli) showQueue(ctx context.Context, path string) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return c.withStore(ctx, false, func(s store.Store) error {
		var queue []store.Waiter
		if err := persist(ctx, func() (err error) {
			queue, err = s.Queue(ctx, path)
			return err
		}); err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tHOST\tPID\tSINCE\tPLACE")
		for i, waiter := range queue {
			fmt.Fprintln(w, strings.Join([]string{
				printable.Line(waiter.ID), printable.Line(waiter.Host), strconv.Itoa(waiter.PID), timeOf(waiter.Since), placeOf(i, waiter),
			}, "\t"))
		}
		return w.Flush()
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
