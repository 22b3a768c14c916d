package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newGet() *cobra.Command {
	mode := store.Local
	var consistent bool
	var at string
	cmd := c.command("get PATH [POINTER]", "Print a document, or the value that a JSON Pointer leads to", cobra.RangeArgs(1, 2), "json raw yaml",
		func(ctx context.Context, args []string) error {
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			if consistent {
				mode = store.Linearizable
			}
			return c.withStore(ctx, false, func(s store.Store) error {
				rec, err := loadAt(ctx, s, args[0], at, mode)
				if err != nil {
					return err
				}
				return c.printValue(args, rec)
			})
		})
	cmd.Long = cmd.Short + `.

-o json (the default) indents it; numbers and the order of keys stay as they are.
-o raw prints the stored bytes, a broken document's too, and of a string that a
pointer leads to its text. -o yaml keeps numbers and the order of keys, too.`
	cmd.Flags().BoolVar(&consistent, "consistent", false, "see every commit that finished before: ask ZooKeeper's quorum, not one server")
	cmd.Flags().StringVar(&at, "at", "", "what it was at this `VERSION`, see history")
	return cmd
}

// loadAt reads a document as it is, or as it was at a version.
func loadAt(ctx context.Context, s store.Store, path, version string, mode store.Consistency) (store.Record, error) {
	if version == "" {
		return document.Load(ctx, s, path, store.Version{}, mode)
	}
	entry, err := document.At(ctx, s, path, version)
	return store.Record{Version: entry.Version, Data: entry.Document(), Time: entry.Time}, err
}

func (c *cli) printValue(args []string, rec store.Record) error {
	value := rec.Data
	if len(args) == 1 && c.output == "raw" {
		_, err := c.stdout.Write(value)
		return err
	}
	if err := document.Check(args[0], rec); err != nil {
		return err
	}
	if len(args) == 2 {
		found, err := diff.Lookup(value, args[1])
		if err != nil {
			return err
		}
		value = found
	}
	return c.printFound(value)
}

// printFound prints a good value in the form that --output says.
func (c *cli) printFound(value json.RawMessage) error {
	var text string
	var out []byte
	var err error
	switch {
	case c.output == "yaml":
		out, err = toYAML(value)
	case c.output == "raw" && json.Unmarshal(value, &text) == nil && value[0] == '"':
		out = append([]byte(text), '\n')
	case c.output == "raw":
		out = append(value, '\n')
	default:
		out, err = indented(value)
	}
	if err != nil {
		return err
	}
	_, err = c.stdout.Write(out)
	return err
}
