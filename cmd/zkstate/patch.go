package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
)

func (c *cli) newPatch() *cobra.Command {
	var flags writeFlags
	cmd := c.command("patch PATH [FILE|-]", "Apply a JSON Patch (RFC 6902) to a document", cobra.RangeArgs(1, 2), "json",
		func(ctx context.Context, args []string) error {
			patch, err := c.readPatch(ctx, append(args, "-")[1])
			if err != nil {
				return err
			}
			return c.change(ctx, args[0], nil, document.Patch(patch), flags.Write)
		})
	cmd.Long = cmd.Short + ` as one update: all of it or
nothing. If somebody else commits meanwhile, the patch is applied again, to the newer
document. Its test operations are judged on the document that is replaced; if one
fails, the exit code is 4. Without FILE, or with -, the patch comes from standard
input. zkstate diff -o patch writes one.`
	cmd.ValidArgsFunction = c.completePath(cobra.ShellCompDirectiveDefault)
	flags.add(cmd)
	return cmd
}

func (c *cli) readPatch(ctx context.Context, arg string) (diff.Patch, error) {
	text, name, err := c.file(ctx, arg)
	if err != nil {
		return nil, err
	}
	patch, err := diff.ParsePatch(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return patch, nil
}
