package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newListeners() *cobra.Command {
	var forget string
	cmd := c.command("listeners PATH", "Print who has a document open, and what each has applied", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				if forget != "" {
					return c.forgetListener(ctx, s, args[0], forget)
				}
				return c.withDocument(ctx, s, args[0], []zkstate.OpenOption{zkstate.Observer(), zkstate.TolerateRejected()}, func(st *document.State) error {
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
	cmd.Long = cmd.Short + `.

--forget is for a listener that ended without a good-bye, as doctor shows it: those who
wait for all listeners wait for it no longer. Be sure that it does not run: it may still
serve what it has. One whose record is there is not forgotten.`
	cmd.Flags().StringVar(&forget, "forget", "", "print nothing but that, and forget the lost listener of that `ID`")
	return cmd
}

// errNotLost means that a document has no lost listener of an id.
var errNotLost = errors.New("there is no lost listener")

// forgetListener has the store forget a listener that was lost.
func (c *cli) forgetListener(ctx context.Context, s store.Store, path, id string) error {
	var present []string
	records, err := s.Listeners(ctx, path)
	if err != nil {
		return err
	}
	for _, record := range records {
		present = append(present, record.ID)
	}
	lost, err := s.Absent(ctx, path, present)
	if err != nil {
		return err
	}
	for _, l := range lost {
		if l.ID != id {
			continue
		}
		if err := s.Forget(ctx, path, l); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.stdout, "forgotten", printable.Line(id))
		return err
	}
	return fmt.Errorf("listeners %s: %w of the id %q", path, errNotLost, id)
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
