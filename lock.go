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
	var holder atomic.Pointer[error]
	held, _, err := st.takeLock(ctx, func(err error) { holder.Store(&err) })
	if err != nil {
		st.endLock()
		if st.isClosed() {
			return nil, st.errClosed("lock")
		}
		if who := holder.Load(); who != nil && errors.Is(err, ErrLocked) {
			err = fmt.Errorf("%w (%w)", *who, ctx.Err())
		}
		return nil, fmt.Errorf("%s: %w", st.at("lock"), err)
	}
	l := &Lock[T]{st: st, held: held, freed: make(chan struct{})}
	l.ctx, l.end = context.WithCancelCause(context.Background())
	if !st.tasks.start(l.guard) { // the State was closed
		l.guard()
		return nil, st.errClosed("lock")
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

// guard waits until the lock is lost or given up, and gives its place up.
func (l *Lock[T]) guard() {
	st := l.st
	select {
	case <-l.held.Lost():
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

// errOwnLock is why exclusive updates wait while their own State has a Lock.
var errOwnLock = fmt.Errorf("%w by a Lock of this State", ErrLocked)

// takeLock waits for the head of the store's queue of writers, until ctx ends, and then looks
// at what earlier holders committed. Meanwhile it notes who has the lock. It also returns how
// long it waited for the lock.
func (st *State[T]) takeLock(ctx context.Context, note func(holder error)) (held store.Lock, waited time.Duration, err error) {
	waiting, done := context.WithCancel(ctx)
	defer done()
	st.tasks.start(func() {
		_ = st.protect(func() error { st.watchWaiters(waiting, note, nil); return nil }) // which logs
	})
	ended := st.queue().counters.waitLock()
	err = st.protect(func() (err error) {
		held, err = st.store.Lock(waiting, st.path, st.cfg.id)
		return err
	})
	if waited = ended(); err != nil {
		return nil, waited, err
	}
	if err := st.look(ctx, store.Local); err != nil {
		taken := held // the result is none
		if !st.tasks.start(func() { st.unlock(taken) }) {
			st.unlock(taken)
		}
		return nil, waited, err
	}
	return held, waited, nil
}

// takeLockFor takes the lock for a turn of the writer that begins with an exclusive request.
// The writer goes on with plain updates meanwhile.
func (st *State[T]) takeLockFor(r *request[T]) {
	retry := backoff{max: time.Second}
	var held store.Lock
	var waited time.Duration
	var err error
	st.trace(r, TraceEvent{Kind: TraceQueue})
	for {
		held, waited, err = st.takeLock(r.ctx, st.queue().setHolder)
		away := errors.Is(err, ErrUnavailable) && !errors.As(err, new(panicError))
		if !away || !retry.wait(r.ctx) {
			break
		}
	}
	switch {
	case err == nil:
		st.trace(r, TraceEvent{Kind: TraceTurn, Waited: waited})
	case r.ctx.Err() != nil:
		if holder := st.queue().blockedOf(r); holder != nil {
			err = holder
		}
		err = st.ended(r.ctx, r.verb, err)
	default:
		err = fmt.Errorf("%s: %w", st.at(r.verb), err)
	}
	if st.queue().endTaking(r, held, err) && !st.tasks.start(st.runWriter) && held != nil {
		st.unlock(held) // the State was closed
	}
}

// setAside moves what is exclusive out of the way of the other requests; mu is held.
func (q *writeQueue[T]) setAside() {
	q.locked, q.holder = true, nil
	q.waiting = slices.DeleteFunc(q.waiting, func(r *request[T]) bool {
		if r.cfg.exclusive {
			q.behind = append(q.behind, r)
		}
		return r.cfg.exclusive
	})
}

// endLock puts what was set aside at the head, and reports whether a writer has to be started.
func (q *writeQueue[T]) endLock() (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.endLockLocked()
}

func (q *writeQueue[T]) endLockLocked() (start bool) {
	q.waiting = append(q.behind, q.waiting...)
	q.locked, q.behind, q.holder = false, nil, nil
	start = !q.writing && (len(q.waiting) > 0 || q.turn != nil)
	q.writing = q.writing || start
	return start
}

// endTaking is endLock after the lock was taken for a request, or could not be: that is the
// outcome of the request then.
func (q *writeQueue[T]) endTaking(r *request[T], held store.Lock, err error) (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn = held
	if err != nil {
		q.behind = slices.DeleteFunc(q.behind, func(w *request[T]) bool { return w == r })
		q.finishLocked(r, outcome{err: err})
	}
	return q.endLockLocked()
}

// pickUpTurn returns the lock that was taken for the writer, nil if none was.
func (q *writeQueue[T]) pickUpTurn() store.Lock {
	q.mu.Lock()
	defer q.mu.Unlock()
	turn := q.turn
	q.turn = nil
	return turn
}

// setHolder notes who has the lock.
func (q *writeQueue[T]) setHolder(holder error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holder = holder
}

// isLocked reports whether a Lock was granted, or the lock is being taken, or was, for a turn that
// the writer has not begun.
func (q *writeQueue[T]) isLocked() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.locked || q.turn != nil
}
