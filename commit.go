package zkstate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// errMoved means that functions ran on a value that was not the latest. errLeft means
// that a caller left after its function had run.
var (
	errMoved = fmt.Errorf("ran on an older value: %w", ErrConflict)
	errLeft  = errors.New("a caller left")
)

// callerError marks an error that the caller itself caused. classify returns it unchanged.
type callerError struct{ err error }

func (e callerError) Error() string { return e.err.Error() }

// base returns the local copy that a write is to be based on, or why there is none.
func (st *State[T]) base(ctx context.Context, cfg updateConfig) (*published[T], error) {
	cur := st.current.Load()
	if st.refusal(cur, cfg) == nil {
		return cur, nil
	}
	// The copy may be behind, so the decision is made on the latest version.
	if err := st.verify(ctx); err != nil {
		return nil, err
	}
	cur = st.current.Load()
	return cur, st.refusal(cur, cfg)
}

// refusal says why nothing may be written on top of cur.
func (st *State[T]) refusal(cur *published[T], cfg updateConfig) error {
	switch {
	case cur.deleted || cur.newest.IsZero():
		return fmt.Errorf("%w: create it again first", ErrDeleted)
	case cur.rejected != nil && !cfg.overwrite:
		return cur.rejected
	case cfg.ifVersion != nil && !cfg.ifVersion.Same(cur.newest):
		return fmt.Errorf("%w from %v to %v", ErrConflict, *cfg.ifVersion, cur.newest)
	}
	return nil
}

// compose makes the document to be stored from the last draft.
func (w *writer[T]) compose(b *batch[T], cur *published[T], last draft[T]) (made composed[T], err error) {
	st, after, kept := w.st, last.doc, false
	if last.value != nil {
		if after, kept, err = last.encode(); err != nil {
			return made, callerError{fmt.Errorf("%s: encode the new value: %w", st.at("update"), err)}
		}
		if !kept && len(b.members) > 1 { // decoding changes the draft, so later functions ran on another value than is stored
			return made, callerError{errLossy}
		}
	}
	made, err = st.merge(cur, last.before, after)
	if err != nil || made.doc == nil {
		return made, err
	}
	switch {
	case made.value != nil:
	case kept && validate(last.value) == nil: // which may fill fields that are not encoded
		made.value, made.encoded = last.value, after
	default:
		value, rejected := decode[T](st.path, Version{}, after)
		if rejected != nil {
			return composed[T]{}, callerError{fmt.Errorf("%s: the new value does not survive encoding/json: %w", st.at("update"), rejected)}
		}
		made.value = &value
		made.encoded, _ = encode(value) // which need not be after: a large number in an any is rounded
	}
	if kept && len(b.members) > 1 { // the next batch is likely to follow at once
		made.own = st.copier.Copy(last.value)
	}
	return made, nil
}

// composed is a document to be stored. All its fields are nil if nothing changed.
type composed[T any] struct {
	doc     []byte
	value   *T     // decoded from it
	encoded []byte // T's encoding of the value, where it is known
	own     *T     // a copy of value that only the writer refers to, or nil
}

// errLossy means that encoding/json replaced a byte of a string.
var errLossy = errors.New("a string is not UTF-8")

// merge returns the document to store, or none if nothing changed. It applies the changes
// from before to after to the stored document. If the merged document does not decode to
// what after decodes to (a type's own encoding can prevent it), merge returns after.
// The value is the decoded form of a merged document, and nil if doc is after.
func (st *State[T]) merge(cur *published[T], before, after []byte) (made composed[T], err error) {
	if err := diff.Check(after); err != nil { // a type's own encoding may write what nobody can read
		return made, callerError{fmt.Errorf("%s: encode the new value: %w", st.at("update"), err)}
	}
	whole := composed[T]{doc: after}
	if cur.rejected != nil {
		return whole, nil
	}
	same := bytes.Equal(before, after)
	if !same && st.copier == nil { // its own encoding may write the same in two ways
		same, err = diff.Equal(before, after)
	}
	if err != nil || same {
		return made, err
	}
	if bytes.Equal(before, cur.doc) {
		return whole, nil // the stored text is exactly T's encoding, so there is nothing to preserve
	}
	if merged, err := diff.Merge(cur.doc, before, after, byKey[T]()); err == nil {
		if value, encoded, ok := decodesTo[T](merged, after); ok {
			return composed[T]{doc: merged, value: &value, encoded: encoded}, nil
		}
	}
	return whole, nil
}

// decodesTo returns the T that doc decodes to, its encoding, and whether want is that, or
// decodes to the same: a large number in an any is rounded.
func decodesTo[T any](doc, want []byte) (value T, encoded []byte, yes bool) {
	value, encoded, ok := again[T](doc)
	if !ok {
		return value, nil, false
	}
	same, err := diff.Equal(encoded, want)
	if err == nil && !same {
		if _, wanted, ok := again[T](want); ok {
			same, err = diff.Equal(encoded, wanted)
		}
	}
	return value, encoded, err == nil && same
}

// again decodes a T, and encodes that again.
func again[T any](doc []byte) (value T, encoded []byte, ok bool) {
	value, rejected := decode[T]("", Version{}, doc)
	if rejected != nil {
		return value, nil, false
	}
	encoded, err := encode(value)
	return value, encoded, err == nil
}

// commit sends the document that a batch made, and publishes it in the same way as other
// instances' commits.
func (w *writer[T]) commit(b *batch[T], cur *published[T], made work[T]) (Version, error) {
	st := w.st
	flight := &inFlight{base: cur.newest, data: made.doc, answered: make(chan struct{})}
	st.committing.Store(flight)
	defer func() {
		st.committing.Store(nil)
		close(flight.answered)
	}()
	asked := st.now()
	versions, err := w.send(b, cur, made.changed, store.Put{Path: st.path, Base: cur.newest, Data: made.doc})
	if err != nil {
		return Version{}, err
	}
	rec := store.Record{Version: versions[0], Data: made.doc}
	o := observation[T]{rec: rec, asked: asked, origin: st.cfg.id, linearizable: true}
	if made.value != nil {
		o.value, o.encoded = *made.value, made.encoded
	} else {
		o = st.observe(rec, asked, st.cfg.id)
		o.linearizable = true
	}
	st.publish(o)
	w.own, w.ownVersion = made.own, versions[0]
	return versions[0], nil
}

// remove deletes the document.
func (w *writer[T]) remove(b *batch[T], cur *published[T]) error {
	asked := w.st.now()
	if _, err := w.send(b, cur, b.members, store.Delete{Path: w.st.path, Base: cur.newest}); err != nil {
		return err
	}
	if !w.st.publish(observation[T]{asked: asked, linearizable: true}) {
		w.st.follower.wake(isAsked) // another version was seen meanwhile
	}
	w.st.queue().finish(b.members[0], outcome{changed: true})
	return nil
}

// send commits op with a receipt, and under the lock if this State holds it. It sends
// nothing if a caller whose change is part of op has left.
func (w *writer[T]) send(b *batch[T], cur *published[T], parts []*request[T], op store.Op) ([]Version, error) {
	st := w.st
	if !st.queue().markSent(b, parts, cur.newest) {
		return nil, errLeft
	}
	var extra []store.Op
	last := !w.mayStay(1)
	switch {
	case b.members[0].under != nil:
		extra = []store.Op{store.Hold{Lock: b.members[0].under.held}}
	case w.lock != nil && last:
		extra = []store.Op{store.Release{Lock: w.lock}}
	case w.lock != nil:
		extra = []store.Op{store.Hold{Lock: w.lock}}
	}
	if _, stays := op.(store.Put); stays && slices.ContainsFunc(b.members, waits[T]) {
		extra = append(extra, store.Await{Path: st.path})
	}
	ctx := w.traced(b)
	w.trace(b, TraceEvent{Kind: TraceCommit, Version: cur.newest, Updates: len(parts)})
	token, record := st.receipt()
	receipt := store.Receipt{Path: st.path, ID: st.cfg.id, Data: record}
	versions, err := st.commitJournaled(ctx, cur, op, token, reasons(parts), append(extra, receipt)...)
	if errors.Is(err, store.ErrTaken) { // another handle owns the id: commit without a receipt
		versions, err = st.commitJournaled(ctx, cur, op, token, reasons(parts), extra...)
	}
	st.queue().markAnswered(b, err)
	if err != nil {
		return nil, err
	}
	st.own.noteReceipt(token)
	st.counters.commits.Add(1)
	if w.commits++; w.lock != nil && last && b.members[0].under == nil {
		w.lock = nil
	}
	return versions, nil
}

// waits reports whether a call waits until others have applied its version.
func waits[T any](r *request[T]) bool { return r.cfg.wait.wanted }

// reasons returns the reasons that the calls gave, each once.
func reasons[T any](parts []*request[T]) (all []string) {
	for _, r := range parts {
		if why := r.cfg.reason; why != "" && !slices.Contains(all, why) {
			all = append(all, why)
		}
	}
	return all
}

// inFlight is a commit that the store has not answered yet.
type inFlight struct {
	base     Version
	data     []byte
	answered chan struct{} // closed when the commit was published or failed
	overdue  bool          // the follower waited for it too long; only the follower uses this
}

// How long the follower waits for the State's own commit in flight.
const (
	flightWait = 20 * time.Millisecond  // before a look: the hint may be of that commit; once a commit
	originWait = 100 * time.Millisecond // after a look that shows that commit's bytes, to learn whether it is ours
)

// await waits for the answer, and reports false if it does not come in time.
func (f *inFlight) await(ctx context.Context, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-f.answered:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// yieldToOwnCommit waits until the State's own commit is published, if a load shows that
// commit. A load often shows a commit before the store has answered it, and a load does
// not say who committed.
func (st *State[T]) yieldToOwnCommit(ctx context.Context, rec store.Record) {
	flight := st.committing.Load()
	if flight != nil && rec.Version.Created() == flight.base.Created() && rec.Version.Since(flight.base) == 1 && bytes.Equal(rec.Data, flight.data) {
		flight.await(ctx, originWait)
	}
}

// awaitOwnCommit waits for the commit in flight, if there is one, because a hint of it
// needs no look. It waits once for each commit, so a hung commit delays the follower once.
func (st *State[T]) awaitOwnCommit() {
	if flight := st.committing.Load(); flight != nil && !flight.overdue {
		flight.overdue = !flight.await(st.ctx, flightWait)
	}
}
