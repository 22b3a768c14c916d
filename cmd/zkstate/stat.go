package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newStat() *cobra.Command {
	cmd := c.command("stat PATH", "Describe a document without its content", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				found, err := readStat(ctx, s, args[0])
				if err != nil {
					return err
				}
				if c.output == "json" {
					return c.printJSON(found.json())
				}
				return c.printStat(found)
			})
		})
	cmd.Long = cmd.Short + `: its version, its size in bytes, when it was created and
changed, how many have it open, how many entries its journal keeps, and who has its write
lock or waits for it. It is as fresh as get --consistent, and works for a document that is
broken. SQLite does not record when a document was created.

  zkstate stat /app/config
  zkstate stat /app/config -o json | jq .size`
	return cmd
}

// documentStat is what stat tells of a document.
type documentStat struct {
	place   store.Place
	journal int            // how many entries it keeps, 0 if it is off
	queue   []store.Waiter // of the write lock
	denied  bool           // the journal or the queue may not be read
}

func readStat(ctx context.Context, s store.Store, path string) (found documentStat, err error) {
	if found.place, err = stat(ctx, s, path); err != nil {
		return found, err
	}
	found.journal, _, err = s.Journal(ctx, path, 0)
	if err == nil {
		found.queue, err = s.Queue(ctx, path)
	}
	if errors.Is(err, store.ErrDenied) { // which does not keep the rest from being said
		found.denied, err = true, nil
	}
	return found, err
}

// waiterJSON is how -o json describes a place in the queue of the write lock.
type waiterJSON struct {
	ID      string    `json:"id"`
	Host    string    `json:"host,omitempty"`
	PID     int       `json:"pid,omitempty"`
	Since   time.Time `json:"since"`
	Session string    `json:"session,omitempty"` // absent: nothing removes the place, it was left behind
	Key     string    `json:"key"`
}

func waitersJSON(queue []store.Waiter) []waiterJSON {
	waiters := make([]waiterJSON, len(queue))
	for i, w := range queue {
		waiters[i] = waiterJSON{w.ID, w.Host, w.PID, w.Since, w.Session, w.Key}
	}
	return waiters
}

func (d documentStat) json() any {
	return struct {
		placeJSON
		Journal int          `json:"journal"` // 0: off
		Lock    []waiterJSON `json:"lock"`    // the first has it
		Denied  bool         `json:"denied,omitempty"`
	}{jsonOf(d.place), d.journal, waitersJSON(d.queue), d.denied}
}

func (c *cli) printStat(d documentStat) error {
	created, journal, lock := "unknown", "off", "free"
	if !d.place.Created.IsZero() {
		created = moment(d.place.Created)
	}
	if d.journal > 0 {
		journal = fmt.Sprintf("keeps %d entries", d.journal)
	}
	if len(d.queue) > 0 {
		lock = "held by " + describe(d.queue[0])
		if waiting := len(d.queue) - 1; waiting > 0 {
			lock += fmt.Sprintf(", %d waiting", waiting)
		}
	}
	if d.denied {
		journal, lock = "unknown", "unknown: it may not be read"
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, field := range [][2]string{
		{"path", d.place.Path}, {"version", d.place.Version.String()}, {"size", fmt.Sprintf("%d bytes", d.place.Size)},
		{"created", created}, {"modified", moment(d.place.Modified)}, {"listeners", fmt.Sprint(d.place.Listeners)},
		{"journal", journal}, {"lock", lock},
	} {
		fmt.Fprintf(w, "%s\t%s\n", field[0], printable.Line(field[1]))
	}
	return w.Flush()
}

func moment(t time.Time) string {
	return fmt.Sprintf("%s (%s ago)", t.Local().Format(time.DateTime), age(t))
}
