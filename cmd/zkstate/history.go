package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newHistory() *cobra.Command {
	var keep, newest int
	var changes bool
	cmd := c.command("history PATH", "Print what was done to a document, by whom, and why", cobra.ExactArgs(1), "json",
		func(ctx context.Context, args []string) error {
			if err := store.CheckJournal(args[0], keep); err != nil {
				return usageError{fmt.Errorf("--keep: %w", err)}
			}
			if newest <= 0 {
				newest = math.MaxInt
			}
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				if keep >= 0 {
					return document.Persist(ctx, func() error { return s.SetJournal(ctx, args[0], keep) })
				}
				entries, err := document.History(ctx, s, args[0], newest)
				if err != nil {
					return err
				}
				if c.output == "json" {
					return c.printHistoryLines(entries)
				}
				return c.printHistory(entries, changes)
			})
		})
	cmd.Long = cmd.Short + `, oldest first.

The journal has to be switched on, by create --history N or by --keep N. Every change
that is made through zkstate then leaves an entry; what other tools write shows as
"outside". An entry that cannot be read says why in place of who made it. A deleted
document's history stays. -o json prints one entry a line.

-n reads no more than it prints, however long the journal is. --keep removes what is too
old before it returns. If --timeout ends first, the number is set, some entries are left,
and the changes that follow, or the same command once more, remove them.`
	cmd.Flags().IntVar(&keep, "keep", -1, fmt.Sprintf("print nothing, and keep the newest `N` entries from now on, %d at most; 0 removes the journal", store.MaxJournal))
	cmd.Flags().IntVarP(&newest, "newest", "n", 0, "print the newest `N` entries only")
	cmd.Flags().BoolVar(&changes, "diff", false, "print the changes too")
	return cmd
}

func (c *cli) printHistoryLines(entries []zkstate.Entry) error {
	for _, e := range entries {
		if err := c.printJSON(e); err != nil {
			return err
		}
	}
	return nil
}

func (c *cli) printHistory(entries []zkstate.Entry, changes bool) error {
	rows := [][]string{{"VERSION", "TIME", "WHO", "CHANGES", "WHY"}}
	for _, e := range entries {
		rows = append(rows, []string{e.Version.String(), timeOf(e.Time), whoOf(e), countOf(e), e.Reason})
		if !changes {
			continue
		}
		for _, change := range e.Changes {
			rows = append(rows, []string{"  " + change.String()})
		}
	}
	return c.printTable(rows)
}

func timeOf(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

func whoOf(e zkstate.Entry) string {
	switch {
	case e.Unreadable != "" && e.Who == (history.Who{}):
		return e.Unreadable
	case e.External > 1:
		return fmt.Sprintf("outside (%d writes)", e.External)
	case e.External > 0:
		return "outside"
	}
	return e.Who.String()
}

func countOf(e zkstate.Entry) string {
	switch {
	case e.Deleted:
		return "deleted"
	case e.Unreadable != "":
		return "unreadable"
	case e.Truncated && len(e.Changes) == 0:
		return "not kept"
	}
	return strconv.Itoa(len(e.Changes))
}

func (c *cli) newRollback() *cobra.Command {
	var reason *string
	cmd := c.command("rollback PATH VERSION", "Make a document what it was at a version, as a new change", cobra.ExactArgs(2), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				entry, err := document.At(ctx, s, args[0], args[1])
				if err != nil {
					return err
				}
				why := *reason
				if why == "" {
					why = fmt.Sprintf("rollback to %v", entry.Version)
				}
				return c.withDocument(ctx, s, args[0], []zkstate.OpenOption{zkstate.NoCreate(), zkstate.TolerateRejected()}, func(st *document.State) error {
					version, err := st.Rollback(ctx, entry.Version, zkstate.WithReason(why))
					if err != nil {
						return err
					}
					return c.committed(args[0], version)
				})
			})
		})
	cmd.Long = cmd.Short + `.

VERSION is one that history shows, or the number before its first dot if that tells it
from the others. Nothing of the history is rewritten.`
	reason = reasonFlag(cmd)
	return cmd
}

// reasonFlag adds the flag of that name.
func reasonFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("reason", "", "why, for the journal")
}
