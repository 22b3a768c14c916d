package zkstate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Lock is a document's write lock while a State holds it; see [State.Lock]. Its methods may
// be called concurrently.
type Lock[T any] struct {
	st    *State[T]
	held  store.Lock
	lost  <-chan struct{} // held.Lost
	ctx   context.Context // ends when the lock is lost or given up
	end   context.CancelCauseFunc
	freed chan struct{} // closed when the place in the queue of writers is given up
	err   error         // of giving it up; read it after freed
}

// errUnlocked ends the context of a Lock that was given up.
var errUnlocked = errors.New("the lock was given up")

// Lock takes the document's write lock, the one that [Exclusive] takes for one update, and
// holds it until Unlock: for work that is more than one function, or that reaches beyond the
// document. While it is held, no other instance has the lock, and no exclusive update runs,
// here or elsewhere, programs that use the Rust crate included; they wait. Updates that do
// not ask for the lock are not held up. When Lock returns, this State's copy is at least as
// new as what earlier holders committed. The document may be deleted meanwhile.
//
// The lock is lost with the store's session, when the store has not been heard of for so
// long that it may have been, when somebody removes it by force, and when the State is
// closed. What depends on the lock must end then: run it under [Lock.Context]. Updates by
// [Lock.Update] are fenced: nothing of them is committed without the lock.
//
// Lock blocks until everybody who asked before is done, at most until ctx ends; ctx has no
// meaning after that. Locks and exclusive updates of one State get the lock in the order in
// which they asked for it; so who holds it must not ask again, nor for an exclusive update.
// Errors: [ErrLocked] with the context's, and who has the lock;
// [ErrUnavailable] with the context's; [ErrReadOnly]; [ErrDenied]; [ErrClosed].
func (st *State[T]) Lock(ctx context.Context) (*Lock[T], error) {
	if st.cfg.observer {
		return nil, fmt.Errorf("%s: the State is %w: open it without Observer", st.at("lock"), ErrReadOnly)
	}
	ctx, cancel := st.lifetime(ctx)
	defer cancel()
	if err := st.awaitLocks(ctx); err != nil {
		return nil, err
	}
	l := &Lock[T]{st: st, freed: make(chan struct{})}
	l.ctx, l.end = context.WithCancelCause(context.Background())
	err := l.acquire(ctx)
	if err != nil {
		l.end(err)
	}
	switch {
	case l.held == nil:
		st.endLock()
	case !st.tasks.start(l.guard): // the State was closed
		l.guard()
	}
	switch {
	case st.isClosed():
		return nil, st.errClosed("lock")
	case err != nil:
		return nil, fmt.Errorf("%s: %w", st.at("lock"), err)
	}
	return l, nil
}

// awaitLocks waits for this State's locks and exclusive updates that were asked for before.
// From its return until endLock, those that are asked for later wait.
func (st *State[T]) awaitLocks(ctx context.Context) error {
	r := &request[T]{ctx: ctx, verb: "lock", locks: true, alone: true, cfg: updateConfig{exclusive: true}, done: make(chan outcome, 1)}
	if st.queue().add(r) && !st.tasks.start(st.runWriter) {
		return st.errClosed(r.verb)
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
	}
	trouble := st.queue().blockedOf(r)
	if left, _ := st.queue().leave(r); left == leftDecided {
		st.endLock()
	}
	switch {
	case st.isClosed():
		return st.errClosed(r.verb)
	case trouble == nil:
		trouble = ErrUnavailable
	}
	return fmt.Errorf("%s: %w: %w", st.at(r.verb), trouble, ctx.Err())
}

// endLock lets this State's other locks and exclusive updates go on.
func (st *State[T]) endLock() {
	if st.queue().endLock() {
		st.tasks.start(st.runWriter) // after Close nobody waits
	}
}

// acquire waits for the head of the store's queue of writers.
func (l *Lock[T]) acquire(ctx context.Context) error {
	st := l.st
	waiting, done := context.WithCancel(ctx)
	defer done()
	var holder atomic.Pointer[error]
	st.tasks.start(func() {
		_ = st.protect(func() error { // which logs
			st.watchWaiters(waiting, func(locked error) { holder.Store(&locked) }, nil)
			return nil
		})
	})
	err := st.protect(func() (err error) {
		if l.held, err = st.store.Lock(waiting, st.path, st.cfg.id); err == nil {
			l.lost = l.held.Lost()
		}
		return err
	})
	switch locked := holder.Load(); {
	case err == nil:
		return st.look(ctx, store.Local)
	case locked != nil && errors.Is(err, ErrLocked):
		return fmt.Errorf("%w (%w)", *locked, ctx.Err())
	}
	return err
}

// guard waits until the lock is lost or given up, and gives its place up.
func (l *Lock[T]) guard() {
	st := l.st
	select {
	case <-l.lost:
		l.end(fmt.Errorf("%s: %w", st.path, ErrLockLost))
	case <-st.ctx.Done():
		l.end(fmt.Errorf("%s: %w: the State was %w", st.path, ErrLockLost, ErrClosed))
	case <-l.ctx.Done():
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(st.ctx, func() { time.AfterFunc(unlockBound, cancel) })() // Close does not wait longer
	l.err = st.protect(func() error { return l.held.Unlock(ctx) })
	close(l.freed)
	st.endLock()
}

// Context returns a context that ends when the lock is lost, with a cause (context.Cause) that
// matches [ErrLockLost], and [ErrClosed] too if the State was closed. It also ends when the
// lock is given up. It ends before another instance can have the lock, unless somebody removed
// it by force, or this process or its machine stood still.
func (l *Lock[T]) Context() context.Context { return l.ctx }

// Update is [State.Update] under the lock: it commits only if the lock is still held, which
// the store checks in the same transaction. Options and errors are those of State.Update;
// [Exclusive] changes nothing. When the lock is lost or given up, Update ends with
// [ErrLockLost], and nothing was written; only if its commit is under way already, it waits for
// what becomes of that.
func (l *Lock[T]) Update(ctx context.Context, fn func(*T) error, opts ...UpdateOption) (Version, error) {
	if fn == nil {
		return Version{}, fmt.Errorf("%s: the function is nil", l.st.at("update"))
	}
	cfg := newUpdateConfig(opts)
	cfg.exclusive = false
	return l.st.write(ctx, &request[T]{verb: "update", fn: fn, cfg: cfg, under: l})
}

// errLost is the error of a call that came too late.
func (l *Lock[T]) errLost(verb string) error {
	why := ErrLockLost
	switch {
	case l.st.isClosed():
		return l.st.errClosed(verb)
	case context.Cause(l.ctx) == errUnlocked:
		why = fmt.Errorf("%w: it was given up", ErrLockLost)
	}
	return fmt.Errorf("%s: nothing was written: %w: take it again", l.st.at(verb), why)
}

// Unlock gives the lock up and ends its context. It blocks until that is done, at most until
// ctx ends; it is done then in the background. Unlocking twice, or after the lock was lost,
// is no error.
func (l *Lock[T]) Unlock(ctx context.Context) error {
	l.end(errUnlocked)
	select {
	case <-l.freed:
		return l.err
	case <-ctx.Done():
		return fmt.Errorf("%s: going on in the background: %w", l.st.at("unlock"), ctx.Err())
	}
}

// grantLock lets the first request take a Lock, and moves what is exclusive out of the way
// until that ends; mu is held.
func (q *writeQueue[T]) grantLock() {
	first := q.waiting[0]
	first.over, q.locked = true, true
	first.done <- outcome{}
	q.waiting = slices.DeleteFunc(q.waiting, func(r *request[T]) bool {
		if r != first && r.cfg.exclusive {
			q.behind = append(q.behind, r)
		}
		return r.cfg.exclusive
	})
}

// endLock puts what waits behind a Lock at the head, and reports whether a writer has to be
// started.
func (q *writeQueue[T]) endLock() (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.behind, q.waiting...)
	q.locked, q.behind = false, nil
	start = !q.writing && len(q.waiting) > 0
	q.writing = q.writing || start
	return start
}

// isLocked reports whether a Lock has been granted.
func (q *writeQueue[T]) isLocked() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.locked
}
