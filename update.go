package zkstate

import (
	"context"
	"errors"
	"fmt"
)

// Update is one atomic read-modify-write. fn gets its own deep copy of the latest
// value and changes it; the result is committed only if nobody committed in
// between. On conflict fn runs again on the newer value until ctx ends: it must
// have no side effects. Only what fn changed is written into the text of the stored
// document, so fields that T does not know survive, and everything else keeps its
// bytes, except that a type whose own MarshalJSON makes this impossible is written whole.
//
// If fn returns an error or panics, nothing of it is written, and the error or
// panic is the caller's. If it changes nothing, nothing is written and the version
// it saw is returned. Both are judged on the latest value. When Update returns,
// Read on this State gives the returned version or a later one.
//
// fn runs on the caller's goroutine, never at the same time as that of another
// Update of this State, and must not call Update, Delete or Lock on it. Updates that
// wait while a commit is under way share the next commit: each function runs on a copy
// of the previous one's result, and a function that fails does not affect the others. An
// instance that lost to another waits in the document's queue of writers, so that all
// get their turn. In a turn fn runs while the others wait: keep it short. If it takes
// longer than a second, the turn goes to the next writer, unless it is [Exclusive]. An
// update that is not exclusive does not depend on the queue: if the queue does not move
// for a second, because a script holds the lock or a place was left behind, the update
// goes on without a turn.
//
// Update blocks while the store is unreachable, until ctx ends. Errors: fn's own
// and Validate's, unchanged; [ErrConflict] under [IfVersion] or [NoRetry];
// [ErrRejected] without [Overwrite]; [ErrDeleted]; [ErrTooLarge]; [ErrReadOnly];
// [ErrDenied]; [ErrUnavailable] with the context's: nothing was written;
// [ErrLocked] with the context's, under [Exclusive]: nothing was written, somebody has
// the lock, and the error says who and since when;
// [ErrUnknownOutcome]: the update was applied once or not at all, and ctx ended, or
// the State was closed, or the store's session was lost, before it could be found out, or
// another open State has this one's id ([WithID]), so that it cannot be found out at all;
// the error says on top of which version; [ErrNotApplied] with the version, under
// [WaitAll] or [WaitFor]; [ErrQuota]; [ErrAuthRequired]; [ErrDamaged]; [ErrClosed].
func (st *State[T]) Update(ctx context.Context, fn func(*T) error, opts ...UpdateOption) (Version, error) {
	if fn == nil {
		return Version{}, fmt.Errorf("%s: the function is nil", st.at("update"))
	}
	return st.write(ctx, &request[T]{verb: "update", fn: fn, cfg: newUpdateConfig(opts)})
}

// Delete removes the document. Every State that is attached to it, this one too,
// fails its reads with [ErrDeleted] until it is recreated. Options and errors are
// those of [State.Update].
func (st *State[T]) Delete(ctx context.Context, opts ...UpdateOption) error {
	cfg := newUpdateConfig(opts)
	cfg.overwrite = true // a rejected document may be deleted
	_, err := st.write(ctx, &request[T]{verb: "delete", cfg: cfg})
	return err
}

// write carries out a request, counts it and traces it.
func (st *State[T]) write(ctx context.Context, r *request[T]) (version Version, err error) {
	counters := &st.queue().counters
	counters.queued.Add(1)
	st.startSpan(ctx, r)
	result := UpdateFailed // if the function panics
	defer func() {
		counters.queued.Add(-1)
		counters.counted(result)
		st.endSpan(r, result, version, err)
	}()
	version, err = st.takeThrough(ctx, r)
	result = resultOf(r.got, err)
	return version, err
}

// takeThrough takes a request through the queue, and runs its function when it is its turn.
func (st *State[T]) takeThrough(ctx context.Context, r *request[T]) (Version, error) {
	if st.cfg.observer {
		return Version{}, fmt.Errorf("%s: the State is %w: open it without Observer", st.at(r.verb), ErrReadOnly)
	}
	ctx, cancel := st.lifetime(ctx)
	defer cancel()
	if ctx.Err() != nil {
		return Version{}, st.ended(ctx, r.verb, nil)
	}
	var lost <-chan struct{} // nil: it is not under a Lock
	if r.under != nil {
		lost = r.under.ctx.Done()
	}
	r.ctx, r.offers, r.done = ctx, make(chan offer[T]), make(chan outcome, 1)
	r.alone = r.fn == nil || r.cfg.alone() || r.under != nil
	if st.queue().add(r) && !st.tasks.start(st.runWriter) {
		return Version{}, st.errClosed(r.verb)
	}
	for {
		select {
		case t := <-r.offers:
			st.take(t, r)
		case out := <-r.done:
			return st.conclude(ctx, r, out)
		case <-lost:
			if st.queue().leaveUnsent(r) {
				return Version{}, r.under.errLost(r.verb)
			}
			lost = nil // the store says what becomes of it
		case <-ctx.Done():
			switch left, base := st.queue().leave(r); left {
			case leftDecided:
				return st.conclude(ctx, r, <-r.done)
			case leftSent:
				return Version{}, st.unknown(r.verb, base, fmt.Errorf("%w: %w", ErrUnknownOutcome, st.endCause(ctx)))
			}
			return Version{}, st.ended(ctx, r.verb, st.queue().blockedOf(r))
		}
	}
}

// conclude waits for those that the caller wants to have applied what was committed.
func (st *State[T]) conclude(ctx context.Context, r *request[T], out outcome) (Version, error) {
	r.got = out
	if out.err == nil && r.cfg.wait.wanted {
		out.err = st.awaitApplied(ctx, out.version, r.cfg.wait)
	}
	if errors.Is(out.err, ErrNotApplied) {
		st.queue().counters.notApplied.Add(1)
	}
	return out.version, out.err
}

// ended is the error of a write that ctx, or Close, cut short before anything was
// sent that could still be applied.
func (st *State[T]) ended(ctx context.Context, verb string, cause error) error {
	switch {
	case st.isClosed():
		return st.errClosed(verb)
	case errors.Is(cause, ErrLocked), errors.Is(cause, ErrUnavailable):
		return fmt.Errorf("%s: nothing was written: %w (%w)", st.at(verb), cause, ctx.Err())
	case cause == nil || errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded):
		return fmt.Errorf("%s: nothing was written: %w: %w", st.at(verb), ErrUnavailable, ctx.Err())
	}
	return fmt.Errorf("%s: nothing was written: %w: %v (%w)", st.at(verb), ErrUnavailable, cause, ctx.Err())
}

// unknown is the error of a write of which it is not known whether it was applied.
func (st *State[T]) unknown(verb string, base Version, cause error) error {
	return fmt.Errorf("%s on top of version %v: %w: read, and decide whether to try again", st.at(verb), base, cause)
}

// endCause is why a context of lifetime has ended.
func (st *State[T]) endCause(ctx context.Context) error {
	if st.isClosed() {
		return ErrClosed
	}
	return ctx.Err()
}
