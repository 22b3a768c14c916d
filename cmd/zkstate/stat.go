package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/store"
)

func (c *cli) newStat() *cobra.Command {
	cmd := c.command("stat PATH", "Describe a document without its content", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				place, err := stat(ctx, s, args[0])
				if err != nil {
					return err
				}
				keep, _, err := s.Journal(ctx, args[0], 0)
				if errors.Is(err, store.ErrDenied) { // which does not keep the rest from being said
					keep, err = -1, nil
				}
				if err != nil {
					return err
				}
				return c.printStat(place, keep)
			})
		})
	cmd.Long = cmd.Short + `: its version, its size in bytes, when it was created and
changed, how many have it open, and how many entries its journal keeps. It is as fresh as
get --consistent, and works for a document that is broken. SQLite does not record when a
document was created.

  zkstate stat /app/config
  zkstate stat /app/config -o json | jq .size`
	return cmd
}

func (c *cli) printStat(place store.Place, keep int) error {
	if c.output == "json" {
		return c.printJSON(struct {
			placeJSON
			Journal int `json:"journal"` // 0: off, -1: it may not be read
		}{describe(place), keep})
	}
	created, journal := "unknown", "off"
	if !place.Created.IsZero() {
		created = moment(place.Created)
	}
	switch {
	case keep < 0:
		journal = "unknown: it may not be read"
	case keep > 0:
		journal = fmt.Sprintf("keeps %d entries", keep)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, field := range [][2]any{
		{"path", place.Path}, {"version", place.Version}, {"size", fmt.Sprintf("%d bytes", place.Size)},
		{"created", created}, {"modified", moment(place.Modified)}, {"listeners", place.Listeners}, {"journal", journal},
	} {
		fmt.Fprintf(w, "%s\t%v\n", field[0], field[1])
	}
	return w.Flush()
}

func moment(t time.Time) string {
	return fmt.Sprintf("%s (%s ago)", t.Local().Format(time.DateTime), age(t))
}
