package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is hidden because it is for releases and packagers. The pages depend on the
// commands only, and on SOURCE_DATE_EPOCH, which says the date that they bear.
func (c *cli) newMan() *cobra.Command {
	cmd := c.command("man DIR", "Write the manual pages of all commands into a directory", cobra.ExactArgs(1), "",
		func(_ context.Context, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := c.newRoot()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Manual: "User commands", Source: "zkstate " + thisBuild().Version}
			return doc.GenManTree(root, header, args[0])
		})
	cmd.Hidden = true
	return cmd
}
