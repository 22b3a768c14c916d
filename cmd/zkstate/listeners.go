package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newListeners() *cobra.Command {
	return c.command("listeners PATH", "Print who has a document open, and what each has applied", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				return c.withDocument(ctx, s, args[0], []zkstate.OpenOption{zkstate.Observer(), zkstate.TolerateRejected()}, func(st *document) error {
					found, err := st.Listeners(ctx)
					if err != nil {
						return err
					}
					snap, err := st.Snapshot()
					if err != nil {
						return err
					}
					return c.printListeners(found, snap.Version)
				})
			})
		})
}

func (c *cli) printListeners(found []zkstate.Listener, newest zkstate.Version) error {
	if c.output == "json" {
		if found == nil {
			found = []zkstate.Listener{}
		}
		return c.printJSON(found)
	}
	rows := [][]string{{"ID", "HOST", "PID", "APP", "SINCE", "APPLIED", "STATUS", "REASON"}}
	for _, l := range found {
		rows = append(rows, []string{l.ID, l.Host, strconv.Itoa(l.PID), l.App, timeOf(l.Since), l.Applied.String(), statusOf(l, newest), l.Reason})
	}
	return c.printTable(rows)
}

// statusOf marks who is behind the document.
func statusOf(l zkstate.Listener, newest zkstate.Version) string {
	if l.Status == zkstate.StatusApplied && l.Applied.Before(newest) {
		return fmt.Sprintf("behind by %d", newest.Since(l.Applied))
	}
	return string(l.Status)
}
