package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/document"
)

func (c *cli) newUnset() *cobra.Command {
	var flags writeFlags
	cmd := c.command("unset PATH POINTER", "Remove the value at a JSON Pointer", cobra.ExactArgs(2), "json",
		func(ctx context.Context, args []string) error {
			return c.change(ctx, args[0], nil, document.Unset(args[1]), flags.Write)
		})
	flags.add(cmd)
	return cmd
}
