package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newDelete() *cobra.Command {
	var flags writeFlags
	cmd := c.command("delete PATH", "Delete a document", cobra.ExactArgs(1), "",
		func(ctx context.Context, args []string) error {
			if err := checkWrite(flags.Write); err != nil {
				return err
			}
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				err := c.withDocument(ctx, s, args[0], []zkstate.OpenOption{zkstate.NoCreate(), zkstate.TolerateRejected()}, func(st *document.State) error {
					opts, err := flags.Options(ctx, s, args[0])
					if err != nil {
						return err
					}
					if err := st.Delete(ctx, opts...); err != nil {
						return err
					}
					_, err = fmt.Fprintln(c.stdout, "deleted", args[0])
					return err
				})
				if errors.Is(err, store.ErrTooLarge) && flags == (writeFlags{}) {
					return c.deleteUnread(ctx, s, args[0])
				}
				return err
			})
		})
	flags.add(cmd)
	return cmd
}

// deleteUnread deletes a document that another tool made larger than the store reads.
func (c *cli) deleteUnread(ctx context.Context, s store.Store, path string) error {
	if err := document.DeleteUnread(ctx, s, path); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.stdout, "deleted", path)
	return err
}
