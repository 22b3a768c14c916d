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

// writer carries out what waits in a State's queue. One is at work while anybody
// waits.
//
// It commits without any lock until it loses to another instance. From then on it
// takes its place in the store's queue of writers, for as long as it meets others
// there. In its turn it may make a few commits, the last of which gives the turn up
// in the same transaction.
type writer[T any] struct {
	st    *State[T]
	retry backoff

	lock    store.Lock // nil: not our turn
	began   time.Time  // the turn did
	commits int        // since then
	doubt   bool       // the turn may have been lost, or have been given up

	own        *T      // a copy that nobody else has, or nil
	ownVersion Version // of which document

	tried Version // that the last attempt was based on
}

// runWriter works until nobody waits.
func (st *State[T]) runWriter() {
	w := &writer[T]{st: st, retry: backoff{max: 50 * time.Millisecond}}
	for {
		if b := st.queue.nextBatch(st.ctx); b != nil {
			w.carry(b)
			if len(b.members) > 1 {
				st.queue.gather()
			}
			continue
		}
		if w.lock != nil && w.linger() {
			continue
		}
		w.giveUp()
		if st.queue.stopIfEmpty() {
			return
		}
	}
}

// carry takes a batch to its end, or back into the queue.
func (w *writer[T]) carry(b *batch[T]) {
	w.doubt, w.tried = false, Version{}
	err := w.st.protect(func() error { return w.attempt(b) })
	final, alone := w.judge(b, err)
	unknown := errors.Is(final, ErrUnknownOutcome)
	for _, r := range b.members {
		switch {
		case unknown && !slices.Contains(b.sent, r): // it has no part in what is unknown
		case unknown && r.ctx.Err() != nil:
			w.st.queue.finish(r, outcome{err: fmt.Errorf("%w: %w", final, w.st.whyEnded(r.ctx))})
		case final != nil:
			w.st.queue.finish(r, outcome{err: final})
		case err != nil && b.ctx.Err() != nil:
			w.st.queue.finish(r, outcome{err: w.st.ended(r.ctx, r.verb, err)})
		}
	}
	again := err != nil && final == nil && b.members[0].cfg.exclusive // in the same turn
	w.st.queue.putBack(b, alone, err)
	if w.doubt || !again && !w.mayStay(0) {
		w.giveUp()
	}
}

// attempt runs a batch once. Who is done with it has an outcome then; the error is
// the others'.
func (w *writer[T]) attempt(b *batch[T]) error {
	w.share()
	cfg := b.members[0].cfg // options that matter here come with a batch of one
	if err := w.takeTurn(b.ctx, cfg); err != nil {
		return err
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
	if made.doc != nil {
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
			w.st.queue.finish(a.to, outcome{err: a.err})
		case a.sawBase:
			w.st.queue.finish(a.to, outcome{version: cur.newest})
		default:
			w.st.queue.finish(a.to, outcome{version: version})
		}
	}
	return nil
}

// confirm returns nil if cur is the latest there is.
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
	changed []*request[T] // whose functions have a part in it
	answers []answer[T]   // of the functions that ran
}

// answer is what a function says about itself.
type answer[T any] struct {
	to      *request[T]
	err     error
	sawBase bool // it changed nothing, and nobody before it did
}

// runAll has each caller run its function, on what those before it made. Who comes
// while it is at it comes along.
func (w *writer[T]) runAll(b *batch[T], cur *published[T]) (made work[T], err error) {
	base, err := w.draft(cur)
	if err != nil {
		return made, err
	}
	last, ran := base, make(chan result[T], 1)
	var before []byte
	for i := 0; i < len(b.members) || w.st.queue.extend(b); i++ {
		r := b.members[i]
		select {
		case r.offers <- offer[T]{last, ran}:
		case <-r.ctx.Done(): // it leaves by itself
			continue
		}
		result := w.await(ran, r.cfg.exclusive)
		if result.gone {
			w.st.queue.leave(r)
			continue
		}
		changed := result.changed || cur.rejected != nil && result.err == nil // in the place of what is rejected, it is a change
		made.answers = append(made.answers, answer[T]{r, result.err, len(made.changed) == 0 && !changed})
		if before == nil {
			before = result.before
		}
		if changed {
			last, made.changed = result.draft, append(made.changed, r)
		}
	}
	if len(made.changed) > 0 {
		made.composed, err = w.compose(b, cur, base, last, before)
	}
	return made, err
}

// restore makes an old document the new one. What is the same in both keeps its bytes.
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
	made.doc, made.changed = doc, []*request[T]{r} // decoded when it has been stored
	return made, nil
}

// judge says what an attempt's error means for those of the batch who have no
// outcome yet: final is the error to give them, in the caller's words; else they
// try again, each alone if that can find out whose fault it was.
func (w *writer[T]) judge(b *batch[T], err error) (final error, alone bool) {
	st, first := w.st, b.members[0]
	var own callerError
	switch {
	case err == nil:
		w.retry.reset()
		return nil, false
	case errors.As(err, new(panicError)):
		w.doubt = true
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
		w.doubt = true // it may be given up already
		return st.unknown(first.verb, w.tried, err), false
	case b.ctx.Err() != nil, errors.Is(err, errLeft):
		return nil, false
	case errors.Is(err, store.ErrLockLost):
		w.doubt = true
		return nil, false
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return w.judgeConflict(b, err), false
	case errors.Is(err, ErrUnavailable):
		w.doubt = true // the lock may have been lost with the session
		w.retry.wait(b.ctx)
		return nil, false
	}
	return fmt.Errorf("%s: %w", st.at(first.verb), err), false
}

// judgeConflict looks at what is there now before the next attempt.
func (w *writer[T]) judgeConflict(b *batch[T], err error) error {
	st, first := w.st, b.members[0]
	if w.resting() {
		w.retry.wait(b.ctx) // before the look, so that what it shows is new
	}
	reload := st.look(b.ctx, store.Local)
	if cur := st.current.Load(); reload == nil && cur.newest == w.tried && !cur.deleted {
		// What it is based on is not what the store has, and nothing newer is seen.
		reload = st.look(b.ctx, store.Linearizable)
	}
	switch {
	case errors.Is(err, ErrConflict) && (first.cfg.noRetry || first.cfg.ifVersion != nil):
		return fmt.Errorf("%s: %w: somebody else committed first: read again and retry", st.at(first.verb), err)
	case reload != nil && !errors.Is(reload, ErrUnavailable) && b.ctx.Err() == nil:
		return fmt.Errorf("%s: %w", st.at(first.verb), reload)
	}
	if !errors.Is(err, errMoved) {
		st.queue.contended = true
	}
	w.doubt = first.cfg.exclusive && !w.atHead(b.ctx)
	if reload != nil || st.current.Load().newest == w.tried {
		w.retry.wait(b.ctx)
	}
	return nil
}
