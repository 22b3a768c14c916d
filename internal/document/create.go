package document

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
)

// Create makes a document that must not exist yet, and switches its journal on first if
// keep is not 0.
func Create(ctx context.Context, s store.Store, path string, doc []byte, keep int, who history.Who, reason string) (version store.Version, err error) {
	err = Persist(ctx, func() error {
		version, err = create(ctx, s, path, doc, keep, who, reason)
		return err
	})
	return version, err
}

func create(ctx context.Context, s store.Store, path string, doc []byte, keep int, who history.Who, reason string) (store.Version, error) {
	op := store.Create{Path: path, Data: doc}
	changes, err := diff.Diff(nil, doc)
	if err != nil {
		return store.Version{}, err
	}
	note := history.Note{Who: who, Reason: reason, Changes: changes, Document: doc}
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

func errExists(path string) error {
	return fmt.Errorf("create %s: document %w", path, store.ErrExists)
}
