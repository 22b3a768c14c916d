package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newDelete() *cobra.Command {
	var flags writeFlags
	cmd := c.command("delete PATH", "Delete a document", cobra.ExactArgs(1), "",
		func(ctx context.Context, args []string) error {
			opts, err := flags.options()
			if err != nil {
				return err
			}
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, false, func(s store.Store) (err error) {
				st, err := c.attach(ctx, s, args[0], nil, zkstate.NoCreate(), zkstate.TolerateRejected())
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, st.Close()) }()
				if err := st.Delete(ctx, opts...); err != nil {
					return err
				}
				_, err = fmt.Fprintln(c.stdout, "deleted", args[0])
				return err
			})
		})
	flags.add(cmd)
	return cmd
}
