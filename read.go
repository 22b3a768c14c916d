package zkstate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Read returns the local copy if the store confirmed it within MaxStaleness, else
// [ErrStale]: nothing older is ever served. It never waits and does not allocate.
//
// The value is a shared snapshot: the caller must not write through its slices,
// maps or pointers. Errors: [ErrStale], together with [ErrRejected] if the stored
// document is why; [ErrDeleted]; [ErrClosed].
func (st *State[T]) Read() (T, error) {
	cur := st.current.Load()
	if st.serves(cur) {
		return cur.value, nil
	}
	var none T
	return none, st.unservable("read", cur)
}

// serves reports whether Read may return this copy now.
func (st *State[T]) serves(cur *published[T]) bool {
	bound := st.cfg.maxStaleness
	return st.usable(cur) && (age(cur.verified) <= bound || age(st.verified(cur)) <= bound)
}

// usable reports whether Read may return this copy if it is fresh.
func (st *State[T]) usable(cur *published[T]) bool { return !cur.version.IsZero() && !st.isClosed() }

// unservable explains a copy that serves refuses.
func (st *State[T]) unservable(verb string, cur *published[T]) error {
	switch {
	case st.isClosed():
		return st.errClosed(verb)
	case cur.deleted:
		return st.errDeleted(verb)
	case cur.rejected != nil:
		return fmt.Errorf("%s: %w: %w", verb, ErrStale, cur.rejected)
	}
	verified := st.verified(cur)
	if verified.IsZero() {
		return st.errUnverified(verb)
	}
	return fmt.Errorf("%s: %w: not verified for %v, the bound is %v: see whether the store is reachable; Snapshot has the old copy",
		st.at(verb), ErrStale, age(verified).Round(time.Millisecond), st.cfg.maxStaleness)
}

func (st *State[T]) errDeleted(verb string) error {
	return fmt.Errorf("%s: %w: create it again, or wait for somebody to", st.at(verb), ErrDeleted)
}

func (st *State[T]) errUnverified(verb string) error {
	return fmt.Errorf("%s: %w: it was never verified: see whether the store is reachable; Snapshot has the cached copy", st.at(verb), ErrStale)
}

func (st *State[T]) at(verb string) string { return verb + " " + st.path }

// Snapshot returns the local copy whatever its age, and says when it was verified. It
// never waits and does not allocate. The snapshot is shared as for [State.Read]. It is
// returned together with [ErrDeleted] if the document was deleted and with [ErrClosed]
// after Close, as the last copy there was.
func (st *State[T]) Snapshot() (Snapshot[T], error) {
	cur := st.current.Load()
	snap := Snapshot[T]{Value: cur.value, Version: cur.version, Verified: st.verified(cur), bound: -1}
	if st.usable(cur) {
		snap.bound = st.cfg.maxStaleness
	}
	if st.isClosed() || cur.deleted {
		return snap, st.unservable("read", cur)
	}
	return snap, nil
}

// ReadConsistent returns a value, and the version that it has, at least as new as every
// update that finished, by any instance, before the call began: it is linearizable. The
// version is what [IfVersion] takes. It blocks for one
// round through the store's quorum, which it shares with other calls that are
// waiting for one to begin, and while the store is unreachable, at most until ctx
// ends.
//
// The value is shared as for [State.Read]. Errors: [ErrRejected] (with [ErrStale])
// if the newest document is rejected, [ErrDeleted], [ErrDenied], [ErrClosed], and
// [ErrUnavailable] with the context's.
func (st *State[T]) ReadConsistent(ctx context.Context) (T, Version, error) {
	var none T
	if err := st.verify(ctx); err != nil {
		return none, Version{}, fmt.Errorf("%s: %w", st.at("read"), err)
	}
	cur := st.current.Load()
	if st.isClosed() || cur.version.IsZero() || cur.rejected != nil {
		return none, Version{}, st.unservable("read", cur)
	}
	return cur.value, cur.version, nil
}

// verify returns once the copy is at least as new as every commit that finished
// before the call. While the store is unreachable it tries again until ctx ends.
func (st *State[T]) verify(ctx context.Context) error {
	retry := backoff{max: time.Second}
	for {
		err := st.rounds.Join(ctx, st.startRound)
		switch {
		case st.isClosed():
			return ErrClosed
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%w: no answer in time: %w", ErrUnavailable, ctx.Err())
		case !errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded):
			return err
		case !retry.wait(ctx):
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		}
	}
}

// roundBound is how long a round may wait for its answer. It has nothing to do with
// MaxStaleness: an answer to a call that waits for it is never too old.
const roundBound = 30 * time.Second

// startRound runs one linearizable load on its own goroutine: it belongs to all
// who joined, so no single caller's context may end it.
func (st *State[T]) startRound(done func(error)) {
	ctx, cancel := context.WithTimeout(st.ctx, roundBound)
	started := st.tasks.start(func() {
		defer cancel()
		done(st.look(ctx, store.Linearizable))
	})
	if !started {
		cancel()
		done(ErrClosed)
	}
}
