package document

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// Edit is a change of a document's text.
type Edit struct {
	apply func(doc []byte) ([]byte, error)
	whole bool // it does not depend on what is there, which may be broken
}

// Replace makes value the whole document.
func Replace(value []byte) Edit {
	return Edit{func([]byte) ([]byte, error) { return value, nil }, true}
}

// Set sets the value at a JSON Pointer.
func Set(pointer string, value []byte) Edit {
	return Edit{apply: func(doc []byte) ([]byte, error) { return diff.Set(doc, pointer, value) }}
}

// Unset removes the value at a JSON Pointer.
func Unset(pointer string) Edit {
	return Edit{apply: func(doc []byte) ([]byte, error) { return diff.Unset(doc, pointer) }}
}

// ErrDeletes means that a patch would delete the document.
var ErrDeletes = errors.New("a patch cannot delete the document")

// Patch applies a JSON Patch. If that deletes the document, the error is [ErrDeletes].
func Patch(patch diff.Patch) Edit {
	return Edit{apply: func(doc []byte) ([]byte, error) {
		patched, err := patch.Apply(doc)
		if err == nil && patched == nil {
			err = ErrDeletes
		}
		return patched, err
	}}
}

// MergePatch applies a JSON Merge Patch.
func MergePatch(patch []byte) Edit {
	return Edit{apply: func(doc []byte) ([]byte, error) { return diff.MergePatch(doc, patch) }}
}

// Apply returns what the edit makes of a document. It does not change doc, nor must the
// caller change what it returns.
func (e Edit) Apply(doc []byte) ([]byte, error) { return e.apply(doc) }

// Open are the options for a State that is to be edited so. It creates the document only
// with creates.
func (e Edit) Open(creates bool) (opts []zkstate.OpenOption) {
	if e.whole {
		opts = append(opts, zkstate.TolerateRejected())
	}
	if !creates {
		opts = append(opts, zkstate.NoCreate())
	}
	return opts
}

// Update makes the edit one atomic update.
func (e Edit) Update(ctx context.Context, st *State, opts ...zkstate.UpdateOption) (zkstate.Version, error) {
	if e.whole {
		opts = append(opts, zkstate.Overwrite())
	}
	return st.Update(ctx, func(doc *json.RawMessage) error {
		edited, err := e.apply(*doc)
		if err == nil {
			*doc = edited
		}
		return err
	}, opts...)
}

// ErrWait means that a text does not say whom to wait for.
var ErrWait = errors.New("must be all, or a number of listeners")

// Write says how a change is to be committed, in the words of a user.
type Write struct {
	IfVersion string // commit only if the document is at it; "" is any
	Reason    string // for the journal
	Wait      string // until all, or that many listeners have applied it; "" does not wait
}

// Check refuses what is malformed before anything is asked of a store. The error matches
// [ErrVersion] or [ErrWait].
func (w Write) Check() error {
	if n, err := strconv.Atoi(w.Wait); w.Wait != "" && w.Wait != "all" && (err != nil || n < 1 || strconv.Itoa(n) != w.Wait) {
		return ErrWait
	}
	if w.IfVersion == "" {
		return nil
	}
	_, _, err := ParseVersion(w.IfVersion)
	return err
}

// Options are those for an update of the document at path. They ask the store which
// version a number stands for. Errors are those of [Present].
func (w Write) Options(ctx context.Context, s store.Store, path string) ([]zkstate.UpdateOption, error) {
	opts := []zkstate.UpdateOption{zkstate.WithReason(w.Reason)}
	if n, err := strconv.Atoi(w.Wait); err == nil {
		opts = append(opts, zkstate.WaitFor(n))
	} else if w.Wait != "" {
		opts = append(opts, zkstate.WaitAll())
	}
	if w.IfVersion == "" {
		return opts, nil
	}
	version, err := Present(ctx, s, path, w.IfVersion)
	return append(opts, zkstate.IfVersion(version)), err
}
