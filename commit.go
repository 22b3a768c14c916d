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

// errMoved means that functions ran on a value that turned out not to be the
// latest, and errLeft that one ran whose caller has left since.
var (
	errMoved = fmt.Errorf("ran on an older value: %w", ErrConflict)
	errLeft  = errors.New("a caller left")
)

// callerError carries what is the caller's own doing past judge, unchanged.
type callerError struct{ err error }

func (e callerError) Error() string { return e.err.Error() }

// base returns the local copy, if that is one to build on.
func (st *State[T]) base(ctx context.Context, cfg updateConfig) (*published[T], error) {
	cur := st.current.Load()
	if st.obstacle(cur, cfg) == nil {
		return cur, nil
	}
	// The copy may be behind. What counts is the latest.
	if err := st.verify(ctx); err != nil {
		return nil, err
	}
	cur = st.current.Load()
	return cur, st.obstacle(cur, cfg)
}

// obstacle says why nothing may be written on top of cur.
func (st *State[T]) obstacle(cur *published[T], cfg updateConfig) error {
	switch {
	case cur.deleted || cur.newest.IsZero():
		return fmt.Errorf("%w: create it again first", ErrDeleted)
	case cur.rejected != nil && !cfg.overwrite:
		return cur.rejected
	case cfg.ifVersion != nil && *cfg.ifVersion != cur.newest:
		return fmt.Errorf("%w from %v to %v", ErrConflict, *cfg.ifVersion, cur.newest)
	}
	return nil
}

// start returns the document that functions get a copy of.
func (st *State[T]) start(cur *published[T]) ([]byte, error) {
	if cur.doc != nil {
		return cur.doc, nil
	}
	// It is rejected, and no good copy ever came.
	doc, err := encode(st.initial)
	if err != nil {
		return nil, callerError{fmt.Errorf("%s: encode the initial value: %w", st.at("update"), err)}
	}
	return doc, nil
}

// merge returns the document to store: the stored one with what changed from
// before to after, or nil if nothing did. Where a type's own encoding does not
// let the merged document decode to what the functions made, after is written
// whole.
func (st *State[T]) merge(cur *published[T], before, after []byte) ([]byte, error) {
	if err := diff.Check(after); err != nil { // a type's own encoding may write what nobody can read
		return nil, callerError{fmt.Errorf("%s: encode the new value: %w", st.at("update"), err)}
	}
	if cur.rejected == nil {
		same, err := diff.Equal(before, after)
		if err != nil || same {
			return nil, err
		}
		if bytes.Equal(before, cur.doc) {
			return after, nil // there is nothing in it that T does not know, or would write in another way
		}
		if merged, err := diff.Merge(cur.doc, before, after, byKey[T]()); err == nil && encodesTo[T](merged, after) {
			return merged, nil
		}
	}
	if _, rejected := decode[T](st.path, Version{}, after); rejected != nil {
		return nil, callerError{fmt.Errorf("%s: the new value does not survive encoding/json: %w", st.at("update"), rejected)}
	}
	return after, nil
}

// encodesTo reports whether doc decodes to a T that is encoded as want. It runs the
// type's own methods, which may panic.
func encodesTo[T any](doc, want []byte) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	value, rejected := decode[T]("", Version{}, doc)
	if rejected != nil {
		return false
	}
	again, err := marshal(value)
	if err != nil {
		return false
	}
	same, err := diff.Equal(again, want)
	return err == nil && same
}

// commit sends what a batch made and publishes it as everybody else's.
func (w *writer[T]) commit(b *batch[T], cur *published[T], made work[T]) (Version, error) {
	st := w.st
	flight := &inFlight{base: cur.newest, landed: make(chan struct{})}
	st.committing.Store(flight)
	defer func() {
		st.committing.Store(nil)
		close(flight.landed)
	}()
	asked := st.now()
	versions, err := w.send(b, cur, made.changed, store.Put{Path: st.path, Base: cur.newest, Data: made.doc})
	if err != nil {
		return Version{}, err
	}
	o := st.observe(store.Record{Version: versions[0], Data: made.doc}, asked, st.cfg.id)
	o.linearizable = true
	st.publish(o)
	return versions[0], nil
}

// remove deletes the document.
func (w *writer[T]) remove(b *batch[T], cur *published[T]) error {
	asked := w.st.now()
	if _, err := w.send(b, cur, b.members, store.Delete{Path: w.st.path, Base: cur.newest}); err != nil {
		return err
	}
	if !w.st.publish(observation[T]{asked: asked, linearizable: true}) {
		w.st.askForLook() // something else was seen meanwhile
	}
	w.st.queue.finish(b.members[0], outcome{})
	return nil
}

// send commits op, with a receipt, under the lock where it is our turn. Those who
// have a part in it must still be there.
func (w *writer[T]) send(b *batch[T], cur *published[T], parts []*request[T], op store.Op) ([]Version, error) {
	st := w.st
	if !st.queue.markSent(b, parts) {
		return nil, errLeft
	}
	w.parts = parts
	var locked []store.Op
	last := !w.mayStay(1)
	switch {
	case w.lock != nil && last:
		locked = []store.Op{store.Release{Lock: w.lock}}
	case w.lock != nil:
		locked = []store.Op{store.Hold{Lock: w.lock}}
	}
	token, record := st.receipt()
	receipt := store.Receipt{Path: st.path, ID: st.cfg.id, Data: record}
	versions, err := st.commitJournaled(b.ctx, cur, op, token, reasons(parts), append(locked, receipt)...)
	if errors.Is(err, store.ErrTaken) { // then it goes without
		versions, err = st.commitJournaled(b.ctx, cur, op, token, reasons(parts), locked...)
	}
	if err != nil {
		return nil, err
	}
	st.own.noteReceipt(token)
	if w.commits++; w.lock != nil && last {
		w.lock = nil
	}
	return versions, nil
}

// reasons are those of a batch, each once.
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
	base   Version
	landed chan struct{} // closed once it was published, or failed
}

// yieldToOwnCommit lets the State's own commit be published first. A load often shows
// a commit before the store has answered to it, and does not know whose it is.
func (st *State[T]) yieldToOwnCommit(ctx context.Context, v Version) {
	flight := st.committing.Load()
	if flight != nil && v.Created() == flight.base.Created() && v.Since(flight.base) == 1 {
		st.awaitOwnCommit(ctx)
	}
}

// awaitOwnCommit waits for the commit that is in flight, if there is one.
func (st *State[T]) awaitOwnCommit(ctx context.Context) {
	flight := st.committing.Load()
	if flight == nil {
		return
	}
	timer := time.NewTimer(time.Second) // an answer that was lost must not hold up what others commit
	defer timer.Stop()
	select {
	case <-flight.landed:
	case <-timer.C:
	case <-ctx.Done():
	}
}
