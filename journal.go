package zkstate

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
)

// Entry is one step in a document's history.
type Entry = history.Entry

// History returns what was done to the document, oldest first, as far as its journal
// keeps it; see the option [WithHistory]. Writes that did not come through this library
// show as entries that are External. It blocks until the store answers, at most until
// ctx ends. An entry that cannot be read is Unreadable and fails no other. Errors:
// [ErrNoJournal], [ErrNotFound] if there is no document either, [ErrUnavailable],
// [ErrDenied], [ErrClosed].
func (st *State[T]) History(ctx context.Context) ([]Entry, error) {
	ctx, cancel := st.lifetime(ctx)
	defer cancel()
	entries, err := history.Read(ctx, st.store, st.path, math.MaxInt)
	if st.isClosed() {
		return nil, st.errClosed("read the history of")
	}
	return entries, err
}

// At returns the value that the document had at a version, as far as its journal
// keeps it. However long the journal is, it reads the entries next to that version only.
// Errors: [ErrNotFound], [ErrRejected], and those of [State.History].
func (st *State[T]) At(ctx context.Context, version Version) (T, error) {
	var none T
	doc, err := st.documentAt(ctx, version)
	if err != nil {
		return none, err
	}
	value, rejected := decode[T](st.path, version, doc)
	if rejected != nil {
		return none, rejected
	}
	return value, nil
}

// Rollback makes the document what it was at a version, as a new commit: nothing of
// the history is rewritten. The whole document comes back, fields that T does not know
// too. Options and errors are those of [State.Update], and those of [State.At].
func (st *State[T]) Rollback(ctx context.Context, version Version, opts ...UpdateOption) (Version, error) {
	doc, err := st.documentAt(ctx, version)
	if err != nil {
		return Version{}, err
	}
	if _, rejected := decode[T](st.path, version, doc); rejected != nil {
		return Version{}, rejected
	}
	cfg := newUpdateConfig(opts)
	cfg.overwrite = true
	return st.write(ctx, &request[T]{verb: "roll back", restore: doc, cfg: cfg})
}

func (st *State[T]) documentAt(ctx context.Context, version Version) ([]byte, error) {
	ctx, cancel := st.lifetime(ctx)
	defer cancel()
	entry, err := history.At(ctx, st.store, st.path, version)
	if st.isClosed() {
		return nil, st.errClosed("read the history of")
	}
	return entry.Document(), err
}

// startJournal switches the journal on, if that was asked for and it is off.
func (o *opening[T]) startJournal(ctx context.Context) error {
	if o.how.history <= 0 || o.cfg.observer {
		return nil
	}
	if err := store.CheckJournal(o.path, o.how.history); err != nil {
		return err
	}
	keep, _, err := o.store.Journal(ctx, o.path, 0)
	if err == nil && keep == 0 {
		err = o.store.SetJournal(ctx, o.path, o.how.history)
	}
	return err
}

// note makes the entry of a commit of ops, which leave it the rest of the room.
func (st *State[T]) note(cur *published[T], op store.Op, receipt string, reasons []string, ops []store.Op) (store.Append, error) {
	n := history.Note{Base: cur.newest, Who: history.Self(st.cfg.id, st.cfg.app).As(st.cfg.actor), Reason: strings.Join(reasons, "; "), Receipt: receipt}
	old := cur.doc
	switch op := op.(type) {
	case store.Create:
		n.Base, n.Document, old = Version{}, op.Data, nil
	case store.Put:
		n.Document = op.Data
	case store.Delete:
		n.Deleted = true
	}
	if cur.rejected != nil {
		old = nil // what is stored cannot be compared
	}
	changes, err := diff.Diff(old, n.Document, byKey[T]())
	if err != nil {
		return store.Append{}, err
	}
	n.Changes = changes
	entry, err := n.Encode(max(store.AppendAllowance, store.Room(ops)))
	return store.Append{Path: st.path, Data: entry}, err
}

// commitJournaled commits op and what goes with it, with a journal entry if the
// journal is on, which a store says.
func (st *State[T]) commitJournaled(ctx context.Context, cur *published[T], op store.Op, receipt string, reasons []string, more ...store.Op) ([]Version, error) {
	ops := append([]store.Op{op}, more...)
	for {
		all := ops
		if st.journaled.Load() {
			entry, err := st.note(cur, op, receipt, reasons, ops)
			if err != nil {
				return nil, err
			}
			all = append(slices.Clip(ops), entry)
		}
		versions, err := st.store.Commit(ctx, all...)
		if !errors.Is(err, store.ErrJournal) || !st.journaled.CompareAndSwap(false, true) {
			return versions, err
		}
	}
}
