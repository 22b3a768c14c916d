package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/store"
)

func (c *cli) newCreate() *cobra.Command {
	return c.command("create PATH JSON", "Create a document that must not exist yet", cobra.ExactArgs(2), "json",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			doc, err := c.argument(args[1])
			if err != nil {
				return err
			}
			return c.withStore(ctx, true, func(s store.Store) error {
				var versions []store.Version
				if err := persist(ctx, func() (err error) {
					versions, err = s.Commit(ctx, store.Create{Path: args[0], Data: doc})
					return err
				}); err != nil {
					return err
				}
				return c.committed(args[0], versions[0])
			})
		})
}
