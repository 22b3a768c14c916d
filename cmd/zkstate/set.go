package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/internal/document"
)

func (c *cli) newSet() *cobra.Command {
	var create bool
	var flags writeFlags
	var input *inputForm
	cmd := c.command("set PATH [POINTER] JSON", "Replace a document, or the value at a JSON Pointer", cobra.RangeArgs(2, 3), "json",
		func(ctx context.Context, args []string) error {
			value, err := c.argument(ctx, args[len(args)-1], input.String())
			if err != nil {
				return err
			}
			if len(args) == 2 {
				var initial json.RawMessage
				if create {
					initial = value
				}
				return c.change(ctx, args[0], initial, document.Replace(value), flags.Write)
			}
			var initial json.RawMessage
			if create {
				initial = json.RawMessage("{}")
			}
			return c.change(ctx, args[0], initial, document.Set(args[1], value), flags.Write)
		})
	cmd.Long = cmd.Short + `.

A pointer that ends in /- appends to a list. The value's parent must exist. A whole
document also replaces one that is broken. A negative number goes behind --, so that
it is not taken for a flag: zkstate set /doc /a -- -5

YAML is read as JSON: as YAML 1.2, numbers and dates as they are written, comments left
out. Keys that are no strings, or are there twice, are refused.

  zkstate set /app/config @config.yaml
  zkstate set /app/config /processes '[systemd*, rsync*]' --input yaml`
	cmd.Flags().BoolVar(&create, "create", false, "create the document if it does not exist")
	flags.add(cmd)
	input = inputFlag(cmd)
	return cmd
}
