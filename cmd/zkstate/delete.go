package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newDelete() *cobra.Command {
	var flags writeFlags
	cmd := c.command("delete PATH", "Delete a document", cobra.ExactArgs(1), "",
		func(ctx context.Context, args []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) error {
				return c.withDocument(ctx, s, args[0], []zkstate.OpenOption{zkstate.NoCreate(), zkstate.TolerateRejected()}, func(st *document) error {
					opts, err := flags.options(ctx, s, args[0])
					if err != nil {
						return err
					}
					if err := st.Delete(ctx, opts...); err != nil {
						return err
					}
					_, err = fmt.Fprintln(c.stdout, "deleted", args[0])
					return err
				})
			})
		})
	flags.add(cmd)
	return cmd
}
