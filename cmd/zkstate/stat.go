package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newStat() *cobra.Command {
	cmd := c.command("stat PATH", "Describe a document without its content", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				found, err := document.ReadStat(ctx, s, args[0])
				if err != nil {
					return err
				}
				if c.output == "json" {
					return c.printJSON(found.JSON())
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

func (c *cli) printStat(d document.Stat) error {
	created, journal, lock := "unknown", "off", "free"
	if !d.Place.Created.IsZero() {
		created = moment(d.Place.Created)
	}
	if d.Journal > 0 {
		journal = fmt.Sprintf("keeps %d entries", d.Journal)
	}
	if len(d.Queue) > 0 {
		lock = "held by " + describe(d.Queue[0])
		if waiting := len(d.Queue) - 1; waiting > 0 {
			lock += fmt.Sprintf(", %d waiting", waiting)
		}
	}
	if d.Denied {
		journal, lock = "unknown", "unknown: it may not be read"
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, field := range [][2]string{
		{"path", d.Place.Path}, {"version", d.Place.Version.String()}, {"size", fmt.Sprintf("%d bytes", d.Place.Size)},
		{"created", created}, {"modified", moment(d.Place.Modified)}, {"listeners", fmt.Sprint(d.Place.Listeners)},
		{"journal", journal}, {"lock", lock},
	} {
		fmt.Fprintf(w, "%s\t%s\n", field[0], printable.Line(field[1]))
	}
	return w.Flush()
}

func moment(t time.Time) string {
	return fmt.Sprintf("%s (%s ago)", t.Local().Format(time.DateTime), age(t))
}
