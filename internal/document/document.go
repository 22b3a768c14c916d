// Package document is what the command line and the HTTP server have in common: how they
// read and change documents of which they know no struct.
package document

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// State is a State of any JSON.
type State = zkstate.State[json.RawMessage]

// Snapshot is a snapshot of any JSON.
type Snapshot = zkstate.Snapshot[json.RawMessage]

// Persist tries fn again while the store is away, until ctx ends.
func Persist(ctx context.Context, fn func() error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := fn()
		if !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(err, ctx.Err()) {
				return err
			}
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		}
	}
}

// Load reads a document as it is stored, good or not. Its Data is nil if it is at the known
// version.
func Load(ctx context.Context, s store.Store, path string, known store.Version, mode store.Consistency) (rec store.Record, err error) {
	err = Persist(ctx, func() error {
		rec, err = s.Load(ctx, path, known, mode)
		return err
	})
	return rec, err
}

// Check refuses a stored document that is no good JSON, with a [zkstate.RejectedError].
func Check(path string, rec store.Record) error {
	var syntax *diff.SyntaxError
	if err := diff.Check(rec.Data); errors.As(err, &syntax) {
		return &zkstate.RejectedError{Path: path, Version: rec.Version, Pointer: syntax.Pointer, Offset: syntax.Offset, Reason: syntax.Reason}
	}
	return nil
}

// DeleteUnread deletes a document that another tool made larger than the store reads.
func DeleteUnread(ctx context.Context, s store.Store, path string) error {
	rec, err := s.Load(ctx, path, store.Version{}, store.Linearizable)
	if !errors.Is(err, store.ErrTooLarge) || rec.Version.IsZero() {
		return err
	}
	_, err = s.Commit(ctx, store.Delete{Path: path, Base: rec.Version})
	return err
}
