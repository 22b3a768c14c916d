package zkstate

import (
	"bytes"
	"context"
	"encoding/json"
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
// Update of this State, and must not call Update or Delete on it. Updates that
// wait while a commit is under way go out together as the next one, one function
// after the other on one copy; what becomes of one is no other's business. An
// instance that lost to another takes its place in the document's queue of
// writers, so all get their turn. There fn runs while the others wait: keep it short.
// It does not depend on the queue: if that does not move for a second, because
// somebody holds the lock or left a place behind, the update goes on without a turn.
//
// Update blocks while the store is unreachable, until ctx ends. Errors: fn's own
// and Validate's, unchanged; [ErrConflict] under [IfVersion] or [NoRetry];
// [ErrRejected] without [Overwrite]; [ErrDeleted]; [ErrTooLarge]; [ErrReadOnly];
// [ErrDenied]; [ErrUnavailable] with the context's: nothing was written;
// [ErrLocked] with the context's, under [Exclusive]: nothing was written, somebody has
// the lock, and the error says who and since when;
// [ErrUnknownOutcome]: the update was applied once or not at all, and ctx ended, or
// the store's session did, before it could be found out; [ErrNotApplied] with the
// version, under [WaitApplied]; [ErrClosed].
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

// write takes a request through the queue, and runs its function when it is its turn.
func (st *State[T]) write(ctx context.Context, r *request[T]) (Version, error) {
	if st.cfg.observer {
		return Version{}, fmt.Errorf("%s: the State is %w: open it without Observer", st.at(r.verb), ErrReadOnly)
	}
	ctx, cancel := st.lifetime(ctx)
	defer cancel()
	if ctx.Err() != nil {
		return Version{}, st.ended(ctx, r.verb, nil)
	}
	r.ctx, r.offers, r.done = ctx, make(chan offer[T]), make(chan outcome, 1)
	r.alone = r.fn == nil || r.cfg.alone()
	if st.queue.add(r) && !st.tasks.start(st.runWriter) {
		return Version{}, st.errClosed(r.verb)
	}
	for {
		select {
		case t := <-r.offers:
			st.take(t, r)
		case out := <-r.done:
			return st.conclude(ctx, r, out)
		case <-ctx.Done():
			switch st.queue.leave(r) {
			case leftDecided:
				return st.conclude(ctx, r, <-r.done)
			case leftSent:
				return Version{}, fmt.Errorf("%s on top of version %v: %w: %w: read, and decide whether to try again",
					st.at(r.verb), st.current.Load().newest, ErrUnknownOutcome, ctx.Err())
			}
			return Version{}, st.ended(ctx, r.verb, st.queue.lastTrouble())
		}
	}
}

// conclude waits for those that the caller wants to have applied what was committed.
func (st *State[T]) conclude(ctx context.Context, r *request[T], out outcome) (Version, error) {
	if out.err == nil && r.cfg.appliedBy != nil {
		out.err = st.awaitApplied(ctx, out.version, *r.cfg.appliedBy)
	}
	return out.version, out.err
}

// offer asks a caller to run its function now, on a copy of doc.
type offer[T any] struct {
	doc  []byte
	copy *T             // that nobody else has; nil: there is none yet
	made bool           // doc is the encoding of a T, not yet the stored document
	ran  chan result[T] // it has room for one
}

// result is what a function did.
type result[T any] struct {
	before []byte // the encoding of what it was given
	after  []byte // and of what it made of it, nil if it changed nothing
	copy   *T     // of what it made, for the next one, if that could be had cheaply
	err    error  // its own, or Validate's, or why after cannot be stored
	gone   bool   // it panicked, or ended its goroutine: the caller is not there any more
}

// take runs a request's function in its caller's goroutine, where a panic belongs.
func (st *State[T]) take(t offer[T], r *request[T]) {
	result := result[T]{gone: true}
	defer func() { t.ran <- result }()
	result = st.run(t, r.fn)
}

func (st *State[T]) run(t offer[T], fn func(*T) error) (r result[T]) {
	value := t.copy
	if value == nil {
		value = new(T)
		if r.err = json.Unmarshal(t.doc, value); r.err != nil {
			r.err = fmt.Errorf("%s: copy the value: %w", st.at("update"), r.err)
			return r
		}
	}
	r.before = t.doc
	if !t.made {
		if r.before, r.err = marshal(value); r.err != nil {
			r.err = fmt.Errorf("%s: encode the value: %w", st.at("update"), r.err)
			return r
		}
	}
	if r.err = fn(value); r.err != nil {
		return r
	}
	if r.err = validate(value); r.err != nil {
		return r
	}
	after, err := marshal(value)
	if err != nil {
		r.err = fmt.Errorf("%s: encode the new value: %w", st.at("update"), err)
		return r
	}
	if copy, same := st.copier.Copy(value, after); same {
		r.copy = &copy
	}
	if !bytes.Equal(r.before, after) {
		r.after = after
	}
	return r
}

// ended is the error of a write that ctx, or Close, cut short before anything was
// sent that could still be applied.
func (st *State[T]) ended(ctx context.Context, verb string, cause error) error {
	switch {
	case st.isClosed():
		return st.errClosed(verb)
	case cause == nil || errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded):
		return fmt.Errorf("%s: nothing was written: %w: %w", st.at(verb), ErrUnavailable, ctx.Err())
	}
	return fmt.Errorf("%s: nothing was written: %w (%w)", st.at(verb), cause, ctx.Err())
}
