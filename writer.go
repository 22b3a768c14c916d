package zkstate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// writer carries out the calls in a State's queue. One writer runs while calls wait.
//
// It commits without the lock until it loses to another instance. From then on it waits
// in the store's queue of writers before it commits, until it finds no other instance
// there. In its turn it may make several commits; the last one releases the lock in its
// own transaction.
type writer[T any] struct {
	st    *State[T]
	retry backoff

	lock          store.Lock // nil: not our turn
	began         time.Time  // when the turn began
	commits       int        // how many were made in the turn
	lockUncertain bool       // the turn may have been lost or given up

	own        *T      // a copy of the last stored value that only the writer refers to, or nil
	ownVersion Version // the version that own is a copy of

	tried Version // the version that the last attempt was based on
}

// runWriter carries out batches until no call waits.
func (st *State[T]) runWriter() {
	w := &writer[T]{st: st, retry: backoff{max: 50 * time.Millisecond}}
	for {
		if turn := st.queue().pickUpTurn(); turn != nil {
			w.beginTurn(turn)
		}
		b, needs := st.queue().nextBatch(st.ctx, w.lock != nil)
		if needs != nil {
			if !st.tasks.start(func() { st.takeLockFor(needs) }) {
				st.queue().endTaking(needs, nil, st.errClosed(needs.verb))
			}
			continue
		}
		if b != nil {
			w.process(b)
			if len(b.members) > 1 {
				st.queue().awaitCallers()
			}
			continue
		}
		if w.lock != nil && w.awaitCall() {
			continue
		}
		w.giveUp()
		if st.queue().stopIfEmpty() {
			return
		}
	}
}

// process attempts a batch once. Calls without an outcome go back into the queue.
func (w *writer[T]) process(b *batch[T]) {
	w.lockUncertain, w.tried = false, Version{}
	err := w.st.protect(func() error { return w.attempt(b) })
	final, alone := w.classify(b, err)
	unknown := errors.Is(final, ErrUnknownOutcome)
	for _, r := range b.members {
		switch {
		case final != nil && len(b.changed) > 0 && !slices.Contains(b.changed, r): // it had no part in the commit that failed
		case unknown && r.ctx.Err() != nil:
			w.st.queue().finish(r, outcome{err: fmt.Errorf("%w: %w", final, w.st.endCause(r.ctx))})
		case final != nil:
			w.st.queue().finish(r, outcome{err: final})
		case err != nil && b.ctx.Err() != nil:
			w.st.queue().finish(r, outcome{err: w.st.ended(r.ctx, r.verb, err)})
		}
	}
	again := err != nil && final == nil && b.members[0].cfg.exclusive // in the same turn
	w.st.queue().putBack(b, alone, err)
	if w.lockUncertain || !again && !w.mayStay(0) {
		w.giveUp()
	}
}

// attempt runs a batch once and gives outcomes to the calls that it completes. The error
// is for the calls that have no outcome yet.
func (w *writer[T]) attempt(b *batch[T]) error {
	cfg := b.members[0].cfg // calls with options that matter here are alone in their batch
	switch under := b.members[0].under; {
	case under == nil:
		w.yieldToOthers()
		if err := w.takeTurn(b, cfg); err != nil {
			return err
		}
	case under.ctx.Err() != nil:
		return ErrLockLost
	}
	cur, err := w.st.base(b.ctx, cfg)
	if err != nil {
		return err
	}
	w.tried = cur.newest
	var made work[T]
	switch first := b.members[0]; {
	case first.fn != nil:
		made, err = w.runAll(b, cur)
	case first.restore != nil:
		made, err = w.restore(first, cur)
	default:
		return w.remove(b, cur)
	}
	if err != nil {
		return err
	}
	version := cur.newest
	if b.changed = made.changed; made.doc != nil {
		version, err = w.commit(b, cur, made)
	} else {
		err = w.confirm(b.ctx, cur)
	}
	if err != nil {
		return err
	}
	for _, a := range made.answers {
		switch {
		case a.err != nil:
			w.st.queue().finish(a.to, outcome{err: a.err, own: true})
		case a.sawBase:
			w.st.queue().finish(a.to, outcome{version: cur.newest})
		default:
			w.st.queue().finish(a.to, outcome{version: version, changed: a.changed && made.doc != nil})
		}
	}
	return nil
}

// confirm returns nil if cur is the latest version, according to a linearizable look.
func (w *writer[T]) confirm(ctx context.Context, cur *published[T]) error {
	if err := w.st.verify(ctx); err != nil {
		return err
	}
	if now := w.st.current.Load(); now.newest != cur.newest || now.deleted != cur.deleted {
		return errMoved
	}
	return nil
}

// work is what the functions of a batch made together.
type work[T any] struct {
	composed[T]
	changed []*request[T] // the calls whose functions changed the draft
	answers []answer[T]   // one for each function that ran
}

// answer is the result of one function of a batch.
type answer[T any] struct {
	to      *request[T]
	err     error
	changed bool
	sawBase bool // neither it nor any function before it changed anything
}

// runAll has each caller run its function on the result of the functions before it. Calls
// that arrive meanwhile join the batch.
func (w *writer[T]) runAll(b *batch[T], cur *published[T]) (made work[T], err error) {
	base, err := w.draft(cur)
	if err != nil {
		return made, err
	}
	last, ran := base, make(chan result[T], 1)
	for i := 0; i < len(b.members) || w.st.queue().extend(b); i++ {
		r := b.members[i]
		select {
		case r.offers <- offer[T]{last, ran}:
		case <-r.ctx.Done(): // the caller removes itself from the batch
			continue
		}
		result := w.await(ran, r.cfg.exclusive)
		if result.gone {
			w.st.queue().leave(r)
			continue
		}
		changed := result.changed || cur.rejected != nil && result.err == nil // what replaces a rejected document is always a change
		made.answers = append(made.answers, answer[T]{r, result.err, changed, len(made.changed) == 0 && !changed})
		if last.before = result.draft.before; changed {
			last, made.changed = result.draft, append(made.changed, r)
		}
	}
	if len(made.changed) == 0 {
		w.own, w.ownVersion = base.value, cur.version
		return made, nil
	}
	made.composed, err = w.compose(b, cur, last)
	return made, err
}

// restore makes an old document the new one. Values that are equal in both keep their
// stored bytes.
func (w *writer[T]) restore(r *request[T], cur *published[T]) (work[T], error) {
	made := work[T]{answers: []answer[T]{{to: r}}}
	doc := r.restore
	if cur.rejected == nil {
		same, err := diff.Equal(cur.doc, doc)
		if err == nil && !same {
			doc, err = diff.Merge(cur.doc, cur.doc, doc, byKey[T]())
		}
		if err != nil || same {
			return made, err
		}
	}
	made.answers[0].changed = true
	made.doc, made.changed = doc, []*request[T]{r} // commit decodes it after it is stored
	return made, nil
}

// classify says what an attempt's error means for the calls of the batch that have no
// outcome yet. They get the error final; if final is nil, they are tried again, and each
// in a commit of its own if alone is set, which shows whose change caused the error.
func (w *writer[T]) classify(b *batch[T], err error) (final error, alone bool) {
	st, first := w.st, b.members[0]
	var own callerError
	switch {
	case err == nil:
		w.retry.reset()
		return nil, false
	case errors.As(err, new(panicError)):
		w.lockUncertain = true
		if len(b.sent) > 0 {
			err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
		return fmt.Errorf("%s: %w", st.at(first.verb), err), false
	case errors.As(err, &own), errors.Is(err, ErrTooLarge), errors.Is(err, ErrQuota), errors.Is(err, ErrDenied):
		if len(b.members) > 1 {
			return nil, true
		}
		if own.err != nil {
			return own.err, false
		}
	case errors.Is(err, ErrUnknownOutcome):
		w.lockUncertain = true // the commit may have released the lock already
		return st.unknown(first.verb, w.tried, err), false
	case b.ctx.Err() != nil, errors.Is(err, errLeft):
		return nil, false
	case errors.Is(err, store.ErrLockLost) && first.under != nil:
		first.under.end(err)
		return first.under.errLost(first.verb), false
	case errors.Is(err, store.ErrLockLost):
		w.lockUncertain = true
		return nil, false
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return w.prepareRetry(b, err), false
	case errors.Is(err, ErrUnavailable):
		w.lockUncertain = true // the lock may have been lost with the session
		w.retry.wait(b.ctx)
		return nil, false
	}
	return fmt.Errorf("%s: %w", st.at(first.verb), err), false
}

// prepareRetry loads the latest version before the next attempt.
func (w *writer[T]) prepareRetry(b *batch[T], err error) error {
	st, first := w.st, b.members[0]
	if w.skipsQueue() {
		w.retry.wait(b.ctx) // before the look, so that the look shows the newest version
	}
	reload := st.look(b.ctx, store.Local)
	if cur := st.current.Load(); reload == nil && cur.newest == w.tried && !cur.deleted {
		// The store refused the base, and the local server shows nothing newer: ask the quorum.
		reload = st.look(b.ctx, store.Linearizable)
	}
	switch {
	case errors.Is(err, ErrConflict) && (first.cfg.noRetry || first.cfg.ifVersion != nil):
		return fmt.Errorf("%s: %w: somebody else committed first: read again and retry", st.at(first.verb), err)
	case reload != nil && !errors.Is(reload, ErrUnavailable) && b.ctx.Err() == nil:
		return fmt.Errorf("%s: %w", st.at(first.verb), reload)
	}
	if !errors.Is(err, errMoved) {
		st.queue().contended = true
	}
	st.queue().counters.conflicts.Add(1)
	w.trace(b, TraceEvent{Kind: TraceConflict, Version: st.current.Load().newest})
	w.lockUncertain = first.cfg.exclusive && !w.atHead(b.ctx)
	if reload != nil || st.current.Load().newest == w.tried {
		w.retry.wait(b.ctx)
	}
	return nil
}
