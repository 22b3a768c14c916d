package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/diff"
)

func (c *cli) newUnset() *cobra.Command {
	var flags writeFlags
	cmd := c.command("unset PATH POINTER", "Remove the value at a JSON Pointer", cobra.ExactArgs(2), "json",
		func(ctx context.Context, args []string) error {
			return c.change(ctx, args[0], nil, func(doc *json.RawMessage) (err error) {
				*doc, err = diff.Unset(*doc, args[1])
				return err
			}, nil, flags)
		})
	flags.add(cmd)
	return cmd
}
