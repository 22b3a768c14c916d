package zkstate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

// Update is one atomic read-modify-write. fn gets its own deep copy of the latest
// value and changes it; the result is committed only if nobody committed in
// between. On conflict fn runs again on the newer value, with jittered pauses,
// until ctx ends: it must have no side effects. Only what fn changed is written
// onto the stored document, so fields that T does not know survive, except that a
// type whose own MarshalJSON makes this impossible is written whole.
//
// If fn returns an error or panics, nothing is written, and the error or panic is
// the caller's. If it changes nothing, nothing is written and the version it saw
// is returned. Both are judged on the latest value. When Update returns, Read on
// this State gives the returned version or a later one. Updates of one State run
// one at a time; fn must not call Update or Delete on its own State.
//
// Update blocks while the store is unreachable, until ctx ends. Errors: fn's own
// and Validate's, unchanged; [ErrConflict] under [IfVersion] or [NoRetry];
// [ErrRejected] without [Overwrite]; [ErrDeleted]; [ErrTooLarge]; [ErrReadOnly];
// [ErrDenied]; [ErrUnavailable] with the context's: nothing was written;
// [ErrUnknownOutcome]: the answer to a commit was lost, and it was applied once or
// not at all; [ErrClosed].
func (st *State[T]) Update(ctx context.Context, fn func(*T) error, opts ...UpdateOption) (Version, error) {
	cfg := newUpdateConfig(opts)
	if fn == nil {
		return Version{}, fmt.Errorf("%s: the function is nil", st.at("update"))
	}
	return st.write(ctx, "update", cfg, func(ctx context.Context, cur *published[T]) (Version, error) {
		return st.attempt(ctx, cur, fn, cfg)
	})
}

// Delete removes the document. Every State that is attached to it, this one too,
// fails its reads with [ErrDeleted] until it is recreated. Options and errors are
// those of [State.Update].
func (st *State[T]) Delete(ctx context.Context, opts ...UpdateOption) error {
	cfg := newUpdateConfig(opts)
	cfg.overwrite = true // a rejected document may be deleted
	_, err := st.write(ctx, "delete", cfg, func(ctx context.Context, cur *published[T]) (Version, error) {
		sent := st.now()
		if _, err := st.store.Commit(ctx, store.Delete{Path: st.path, Base: cur.newest}); err != nil {
			return Version{}, err
		}
		st.admit(arrival[T]{sent: sent})
		return Version{}, nil
	})
	return err
}

// write runs attempts, one at a time for this State, until one of them is final.
func (st *State[T]) write(ctx context.Context, verb string, cfg updateConfig, attempt func(context.Context, *published[T]) (Version, error)) (Version, error) {
	if st.cfg.observer {
		return Version{}, fmt.Errorf("%s: the State is %w: open it without Observer", st.at(verb), ErrReadOnly)
	}
	if st.isClosed() {
		return Version{}, st.errClosed(verb)
	}
	ctx, cancel := st.lifetime(ctx)
	defer cancel()
	select {
	case st.writing <- struct{}{}:
		defer func() { <-st.writing }()
	case <-ctx.Done():
		return Version{}, st.ended(ctx, verb, nil)
	}
	retry := backoff{max: 50 * time.Millisecond}
	for {
		version, err := st.attemptOn(ctx, cfg, attempt)
		switch final, again := st.judge(ctx, verb, cfg, err); {
		case !again:
			return version, final
		case !retry.wait(ctx):
			return Version{}, st.ended(ctx, verb, err)
		}
	}
}

// attemptOn runs attempt on the local copy, if that is one to build on.
func (st *State[T]) attemptOn(ctx context.Context, cfg updateConfig, attempt func(context.Context, *published[T]) (Version, error)) (Version, error) {
	cur := st.current.Load()
	if st.obstacle(cur, cfg) != nil {
		// The copy may be behind. What counts is the latest.
		if err := st.verify(ctx); err != nil {
			return Version{}, err
		}
		cur = st.current.Load()
		if err := st.obstacle(cur, cfg); err != nil {
			return Version{}, err
		}
	}
	return attempt(ctx, cur)
}

// obstacle says why nothing may be written on top of cur.
func (st *State[T]) obstacle(cur *published[T], cfg updateConfig) error {
	switch {
	case cur.deleted || cur.newest.IsZero():
		return fmt.Errorf("%w: create it again first", ErrDeleted)
	case cur.rejected != nil && !cfg.overwrite:
		return cur.rejected
	case cfg.ifVersion != nil && *cfg.ifVersion != cur.newest:
		return fmt.Errorf("%w from %v to %v: read again", ErrConflict, *cfg.ifVersion, cur.newest)
	}
	return nil
}

// errMoved means that fn ran on a value that turned out not to be the latest.
var errMoved = fmt.Errorf("ran on an older value: %w", ErrConflict)

// callerError carries what fn or Validate returned past judge, unchanged.
type callerError struct{ err error }

func (e callerError) Error() string { return e.err.Error() }

// attempt runs fn once on a copy of cur and commits what it changed.
func (st *State[T]) attempt(ctx context.Context, cur *published[T], fn func(*T) error, cfg updateConfig) (Version, error) {
	value, before, err := st.copyOf(cur)
	if err != nil {
		return Version{}, err
	}
	if err := fn(&value); err != nil {
		if st.verify(ctx) == nil && st.current.Load().newest != cur.newest {
			return Version{}, errMoved
		}
		return Version{}, callerError{err}
	}
	if err := validate(&value); err != nil {
		return Version{}, callerError{err}
	}
	after, err := json.Marshal(value)
	if err != nil {
		return Version{}, callerError{fmt.Errorf("%s: encode the new value: %w", st.at("update"), err)}
	}
	doc, err := st.merge(cur, before, after)
	if err != nil {
		return Version{}, callerError{fmt.Errorf("%s: the new value: %w", st.at("update"), err)}
	}
	if doc == nil {
		if err := st.verify(ctx); err != nil {
			return Version{}, err
		}
		if st.current.Load().newest != cur.newest {
			return Version{}, errMoved
		}
		return cur.newest, nil
	}
	return st.commit(ctx, cur, doc)
}

// copyOf returns a deep copy of cur's value and its encoding.
func (st *State[T]) copyOf(cur *published[T]) (value T, encoded []byte, err error) {
	doc := cur.doc
	if doc == nil { // rejected, and no good copy ever came: start from Open's value
		if doc, err = json.Marshal(st.initial); err != nil {
			return value, nil, fmt.Errorf("encode the initial value: %w", err)
		}
	}
	if err = json.Unmarshal(doc, &value); err != nil {
		return value, nil, fmt.Errorf("copy the value: %w", err)
	}
	encoded, err = json.Marshal(value)
	return value, encoded, err
}

// merge returns the document to store: the stored one with what changed from
// before to after, or nil if nothing did. Where a type's own encoding does not
// let the merged document decode to what fn made, after is written whole.
func (st *State[T]) merge(cur *published[T], before, after []byte) ([]byte, error) {
	if err := diff.Check(after); err != nil {
		return nil, err
	}
	if cur.rejected != nil {
		return after, nil
	}
	same, err := diff.Equal(before, after)
	if err != nil || same {
		return nil, err
	}
	merged, err := diff.Merge(cur.doc, before, after, byKey[T]())
	if err != nil {
		return after, nil
	}
	if value, rejected := decode[T](st.path, Version{}, merged); rejected == nil {
		if again, err := json.Marshal(value); err == nil {
			if same, err := diff.Equal(again, after); err == nil && same {
				return merged, nil
			}
		}
	}
	return after, nil
}

// commit sends doc and lets it in by the same door as everybody else's.
func (st *State[T]) commit(ctx context.Context, cur *published[T], doc []byte) (Version, error) {
	if _, rejected := decode[T](st.path, Version{}, doc); rejected != nil {
		return Version{}, callerError{fmt.Errorf("%s: the new value does not survive encoding/json: %w", st.at("update"), rejected)}
	}
	flight := &inFlight{base: cur.newest, landed: make(chan struct{})}
	st.committing.Store(flight)
	defer func() {
		st.committing.Store(nil)
		close(flight.landed)
	}()
	sent := st.now()
	versions, err := st.store.Commit(ctx, store.Put{Path: st.path, Base: cur.newest, Data: doc})
	if err != nil {
		return Version{}, err
	}
	rec := store.Record{Version: versions[0], Data: doc}
	st.admit(st.receive(rec, sent, st.cfg.id))
	return versions[0], nil
}

// inFlight is a commit that the store has not answered yet.
type inFlight struct {
	base   Version
	landed chan struct{} // closed once it came in by the door, or failed
}

// giveWay lets the State's own commit in first. News of a commit often overtakes
// the store's answer to it; who hears of it by a load does not know whose it is.
func (st *State[T]) giveWay(ctx context.Context, v Version) {
	flight := st.committing.Load()
	if flight == nil || v.Created() != flight.base.Created() || v.Since(flight.base) != 1 {
		return
	}
	timer := time.NewTimer(time.Second) // an answer that was lost must not hold up the news
	defer timer.Stop()
	select {
	case <-flight.landed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// judge says whether an attempt's error is final, in the caller's words, or worth
// another attempt.
func (st *State[T]) judge(ctx context.Context, verb string, cfg updateConfig, err error) (final error, again bool) {
	var own callerError
	switch {
	case err == nil:
		return nil, false
	case errors.As(err, &own):
		return own.err, false
	case errors.Is(err, ErrUnknownOutcome):
		return fmt.Errorf("%s on top of version %v: %w: read, and decide whether to try again", st.at(verb), st.current.Load().newest, err), false
	case ctx.Err() != nil:
		return st.ended(ctx, verb, err), false
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		reloadErr := st.reload(ctx, store.Local)
		switch {
		case errors.Is(err, ErrConflict) && (cfg.noRetry || cfg.ifVersion != nil):
			return fmt.Errorf("%s: %w: somebody else committed first: read again and retry", st.at(verb), err), false
		case reloadErr == nil, errors.Is(reloadErr, ErrUnavailable), ctx.Err() != nil:
			return nil, true
		}
		return fmt.Errorf("%s: %w", st.at(verb), reloadErr), false
	case errors.Is(err, ErrUnavailable):
		return nil, true
	}
	return fmt.Errorf("%s: %w", st.at(verb), err), false
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
