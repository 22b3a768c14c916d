package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
)

func (c *cli) newCreate() *cobra.Command {
	var keep int
	var reason *string
	var input *inputForm
	cmd := c.command("create PATH JSON", "Create a document that must not exist yet", cobra.ExactArgs(2), "json",
		func(ctx context.Context, args []string) error {
			if keep < 0 {
				return usageError{fmt.Errorf("--history must not be negative")}
			}
			if err := store.CheckJournal(args[0], keep); err != nil {
				return usageError{fmt.Errorf("--history: %w", err)}
			}
			doc, err := c.argument(ctx, args[1], input.String())
			if err != nil {
				return err
			}
			ctx, cancel := c.bounded(ctx)
			defer cancel()
			return c.withStore(ctx, true, func(s store.Store) error {
				var version store.Version
				if err := persist(ctx, func() (err error) {
					version, err = create(ctx, s, args[0], doc, keep, *reason)
					return err
				}); err != nil {
					return err
				}
				return c.committed(args[0], version)
			})
		})
	cmd.Flags().IntVar(&keep, "history", 0, fmt.Sprintf("keep a journal of the newest `N` changes, %d at most", store.MaxJournal))
	reason = reasonFlag(cmd)
	input = inputFlag(cmd)
	return cmd
}

func errExists(path string) error {
	return fmt.Errorf("create %s: document %w", path, store.ErrExists)
}

// create makes a document, and switches its journal on first if keep is not 0.
func create(ctx context.Context, s store.Store, path string, doc []byte, keep int, reason string) (store.Version, error) {
	op := store.Create{Path: path, Data: doc}
	changes, err := diff.Diff(nil, doc)
	if err != nil {
		return store.Version{}, err
	}
	note := history.Note{Who: history.Self("", "zkstate"), Reason: reason, Changes: changes, Document: doc}
	entry, err := note.Encode(max(store.AppendAllowance, store.Room([]store.Op{op})))
	if err != nil {
		return store.Version{}, err
	}
	if keep > 0 {
		switch _, err := s.Load(ctx, path, store.Version{}, store.Linearizable); {
		case err == nil:
			return store.Version{}, errExists(path)
		case !errors.Is(err, store.ErrNotFound): // the journal of a document that cannot be read is left alone
			return store.Version{}, err
		}
		if err := s.SetJournal(ctx, path, keep); err != nil {
			return store.Version{}, err
		}
	}
	versions, err := s.Commit(ctx, op, store.Append{Path: path, Data: entry})
	if errors.Is(err, store.ErrExists) {
		return store.Version{}, errExists(path)
	}
	if err != nil {
		return store.Version{}, err
	}
	return versions[0], nil
}
