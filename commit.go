package zkstate

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// commit sends the document that a batch made, and publishes it in the same way as other
// instances' commits.
func (w *writer[T]) commit(b *batch[T], cur *published[T], made work[T]) (Version, error) {
	st := w.st
	flight := &inFlight{base: cur.newest, data: made.doc, answered: make(chan struct{})}
	st.queue().committing.Store(flight)
	defer func() {
		st.queue().committing.Store(nil)
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
	st.queue().tried++
	token, record := st.receipt(st.queue().tried)
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
	st.queue().counters.commits.Add(1)
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
