package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newDiff() *cobra.Command {
	var keys []string
	cmd := c.command("diff A B", "Print what leads from one document to another", cobra.ExactArgs(2), "json patch",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			err := c.diff(ctx, args, keys)
			if err == nil || errors.Is(err, errDifferent) {
				return err
			}
			return trouble{err}
		})
	cmd.Long = cmd.Short + `, one change a line as watch does.

What begins with / is a document in the store, as it is or, as /app/config@VERSION, as
it was at a version that history shows; - is standard input; anything else is a file, such
as ./config.json, and so is what stands behind an @: @/tmp/config.json

-o json prints the changes as a list, -o patch as a JSON Patch (RFC 6902), which patch
applies. On a terminal the lines are coloured, unless NO_COLOR is set.

Exit codes, as those of diff(1): 0 same, 1 different, 2 trouble.`
	cmd.ValidArgsFunction = c.completeOperand
	cmd.Flags().StringSliceVar(&keys, "by-key", nil, "pair the elements of lists by this member, such as id or `NAME`; may be repeated")
	return cmd
}

func (c *cli) diff(ctx context.Context, args, keys []string) error {
	if args[0] == "-" && args[1] == "-" {
		return usageError{fmt.Errorf("only one of the documents can be standard input")}
	}
	var docs [2][]byte
	for i, arg := range args {
		doc, err := c.operand(ctx, arg)
		if err != nil {
			return err
		}
		docs[i] = doc
	}
	changes, err := diff.Diff(docs[0], docs[1], diff.ByKey(keys...))
	if err != nil {
		return err
	}
	if err := c.printDiff(changes); err != nil {
		return err
	}
	if len(changes) > 0 {
		return errDifferent
	}
	return nil
}

// operand returns what an argument of diff stands for. It is the one place that
// tells documents from files.
func (c *cli) operand(ctx context.Context, arg string) (doc []byte, err error) {
	if _, inherited := descriptor(arg); inherited || !strings.HasPrefix(arg, "/") {
		doc, name, err := c.file(ctx, arg)
		if err != nil {
			return nil, err
		}
		return parseText(doc, name, formOf(name))
	}
	path, version := splitVersion(arg)
	err = c.withStore(ctx, false, func(s store.Store) error {
		rec, err := loadAt(ctx, s, path, version, store.Local)
		if info, no := os.Stat(arg); errors.Is(err, store.ErrNotFound) && no == nil && !info.IsDir() {
			return fmt.Errorf("%w, but there is a file of that name", err)
		}
		if err != nil {
			return err
		}
		doc = rec.Data
		return document.Check(path, rec)
	})
	return doc, err
}

// splitVersion takes the version off PATH@VERSION. An @ that no version follows
// belongs to the path.
func splitVersion(arg string) (path, version string) {
	at := strings.LastIndexByte(arg, '@')
	if at < 0 {
		return arg, ""
	}
	if _, _, err := document.ParseVersion(arg[at+1:]); err != nil {
		return arg, ""
	}
	return arg[:at], arg[at+1:]
}

func (c *cli) printDiff(changes []diff.Change) error {
	switch c.output {
	case "json":
		if changes == nil {
			changes = []diff.Change{}
		}
		return c.printJSON(changes)
	case "patch":
		return c.printJSON(diff.ToPatch(changes))
	}
	return c.printChanges(changes)
}
