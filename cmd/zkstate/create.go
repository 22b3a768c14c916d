package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newCreate() *cobra.Command {
	var keep int
	var reason *string
	var input *inputForm
	cmd := c.command("create PATH JSON", "Create a document that must not exist yet", cobra.ExactArgs(2), "json",
		func(ctx context.Context, args []string) error {
			if keep < 0 {
				return usageError{fmt.Errorf("--history must not be negative")}
			}
			if err := store.CheckJournal(args[0], keep); err != nil {
				return usageError{fmt.Errorf("--history: %w", err)}
			}
			doc, err := c.argument(ctx, args[1], input.String())
			if err != nil {
				return err
			}
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, true, func(s store.Store) error {
				st, err := c.attach(ctx, s, args[0], doc, zkstate.CreateOnly(), zkstate.WithHistory(keep), zkstate.WithCreateReason(*reason))
				if err != nil {
					return err
				}
				defer c.close(ctx, args[0], st.Close)
				version, _ := st.Created()
				return c.committed(args[0], version)
			})
		})
	cmd.Flags().IntVar(&keep, "history", 0, fmt.Sprintf("keep a journal of the newest `N` changes, %d at most", store.MaxJournal))
	reason = reasonFlag(cmd)
	input = inputFlag(cmd)
	return cmd
}
