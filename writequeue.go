package zkstate

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/internal/jsoncopy"
	"github.com/zkstate/zkstate/store"
)

// writeQueue holds the writing calls of one State in the order in which they came. While
// calls wait, one goroutine, the writer, takes them out in batches.
type writeQueue[T any] struct {
	mu      sync.Mutex // guards the fields down to blocked, and the fields of requests and batches that say so
	waiting []*request[T]
	locked  bool          // a Lock was granted, or the lock is being taken for a turn: what is exclusive waits in behind
	behind  []*request[T] // in the order in which they came
	turn    store.Lock    // that was taken for the writer, until it picks it up
	holder  error         // who has the lock, for those in behind; nil if that is not known
	writing bool          // the writer runs
	arrived chan struct{} // signals that a request was added; the first add makes it
	served  time.Time     // when a call last got its outcome
	pause   time.Duration // from the last outcome to the last added request
	blocked error         // why the last attempt had to wait, or nil

	counters   writeCounters
	copier     *jsoncopy.Copier[T]      // nil: T is copied by encoding and decoding it
	committing atomic.Pointer[inFlight] // the State's commit, while the store has it

	// Used by the writer only.
	contended      bool      // other instances write too
	skipQueueUntil time.Time // until then the writer does not use the store's queue of writers
	burst          time.Time // when it began to commit without pauses and without a turn
	tried          int       // how many commits were sent
}

// queue returns the queue of writing calls. The first one makes it: most States only read.
func (st *State[T]) queue() *writeQueue[T] {
	if q := st.writes.Load(); q != nil {
		return q
	}
	st.writes.CompareAndSwap(nil, &writeQueue[T]{copier: jsoncopy.Of[T]()})
	return st.writes.Load()
}

// wroteLately reports whether this State commits itself.
func (st *State[T]) wroteLately() bool {
	q := st.writes.Load()
	return q != nil && q.idle() < paceMax
}

// request is one call of Update or Delete.
type request[T any] struct {
	ctx  context.Context // the caller's, and the State's
	verb string
	fn   func(*T) error // nil: store restore, or delete the document if that is nil
	cfg  updateConfig

	locks bool     // it asks for a Lock, and its outcome is that it may take one
	under *Lock[T] // that it is to be committed under, or nil

	restore []byte // the document that replaces the stored one, for a rollback

	offers chan offer[T] // asks the caller to run fn
	done   chan outcome  // receives the outcome; has room for one

	span UpdateSpan // nil if the call is not traced
	got  outcome    // what came from done, for the caller's goroutine only

	// Guarded by writeQueue.mu.
	batch *batch[T] // nil while it waits
	alone bool      // it must not share a commit
	over  bool      // done has its outcome, or the caller left
}

// outcome is how a call ends.
type outcome struct {
	version Version
	err     error
	changed bool // something was written
	own     bool // err is the function's, or Validate's
}

// batch is a group of requests that share one commit.
type batch[T any] struct {
	members []*request[T]
	ctx     context.Context // ends with the State, or when no caller is left
	cancel  context.CancelFunc
	changed []*request[T] // those whose functions changed the draft

	// Guarded by writeQueue.mu.
	present int           // how many callers have not left
	sent    []*request[T] // requests whose changes the store has or may have
	base    Version       // the version that those changes were made on
	applied bool          // the store has those changes
}

// maxBatch bounds how long the first of a batch waits for the others' functions.
const maxBatch = 256

// add puts a request at the end, and reports whether a writer has to be started.
func (q *writeQueue[T]) add(r *request[T]) (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.locked && r.cfg.exclusive {
		q.behind = append(q.behind, r)
		return false
	}
	q.waiting = append(q.waiting, r)
	q.pause = time.Since(q.served)
	start = !q.writing
	q.writing = true
	if q.arrived == nil {
		q.arrived = make(chan struct{}, 1)
	}
	select {
	case q.arrived <- struct{}{}:
	default:
	}
	return start
}

// awaitCallers yields to the callers that have just got their outcome, as long as new calls
// arrive. So a caller that writes in a loop joins the next batch, not the one after it.
func (q *writeQueue[T]) awaitCallers() {
	for last := -1; ; {
		q.mu.Lock()
		n := len(q.waiting)
		q.mu.Unlock()
		if n == last || n >= maxBatch {
			return
		}
		last = n
		runtime.Gosched()
	}
}

// nextBatch takes the next batch out of the queue: the first request, and those behind
// it that can share a commit with it. It returns nil if there is none yet. If the first one
// is exclusive and the writer does not have the lock, it is returned as needs, for which the
// lock has to be taken, and waits in behind meanwhile.
func (q *writeQueue[T]) nextBatch(ctx context.Context, hasLock bool) (next *batch[T], needs *request[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		switch first := q.waiting[0]; {
		case first.locks:
			q.waiting = q.waiting[1:]
			q.setAside()
			q.holder = errOwnLock
			first.over = true
			first.done <- outcome{}
		case first.cfg.exclusive && !hasLock && q.turn != nil:
			return nil, nil // the writer picks it up first
		case first.cfg.exclusive && !hasLock:
			q.setAside()
			return nil, first
		}
	}
	if len(q.waiting) == 0 {
		return nil, nil
	}
	b := &batch[T]{}
	b.ctx, b.cancel = context.WithCancel(ctx)
	q.move(b, 1)
	q.fill(b)
	return b, nil
}

// extend adds the requests that have come since to a batch that was not sent yet, and
// reports whether there were any. It adds none to a batch that all callers have left.
func (q *writeQueue[T]) extend(b *batch[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(b.members)
	if b.ctx.Err() == nil {
		q.fill(b)
	}
	return len(b.members) > before
}

// fill adds the waiting requests that can share a commit with the batch's first member.
// mu is held.
func (q *writeQueue[T]) fill(b *batch[T]) {
	n, room := 0, min(len(q.waiting), maxBatch-len(b.members))
	for !b.members[0].alone && n < room && !q.waiting[n].alone {
		n++
	}
	q.move(b, n)
}

// move moves the first n of the queue into a batch; mu is held.
func (q *writeQueue[T]) move(b *batch[T], n int) {
	for _, r := range q.waiting[:n] {
		r.batch = b
	}
	b.members = append(b.members, q.waiting[:n]...)
	b.present += n
	q.waiting = slices.Delete(q.waiting, 0, n)
}

// stopIfEmpty notes that the writer stops if it has nothing to do, and reports whether it did.
func (q *writeQueue[T]) stopIfEmpty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing = len(q.waiting) > 0 || q.turn != nil
	return !q.writing
}

// busy reports whether a request waits, or the last one came so soon after an outcome
// that it pays to wait for the next one.
func (q *writeQueue[T]) busy(within time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) > 0 || q.pause < within
}

// leaving says what a caller that leaves has to do.
type leaving int

const (
	leftUnsent  leaving = iota // nothing was sent, and nothing of it will be
	leftDecided                // the outcome is there, or comes at once
	leftSent                   // its changes are in a commit that goes on for the other callers
)

// leave is called when the caller's context has ended. It also returns the version that
// what was sent is based on.
func (q *writeQueue[T]) leave(r *request[T]) (leaving, Version) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.leaveLocked(r)
}

// leaveUnsent is leave for a caller that stays if its changes are in a commit, or its outcome
// is there. It reports whether the caller left.
func (q *writeQueue[T]) leaveUnsent(r *request[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.over || r.batch != nil && slices.Contains(r.batch.sent, r) {
		return false
	}
	q.leaveLocked(r)
	return true
}

func (q *writeQueue[T]) leaveLocked(r *request[T]) (leaving, Version) {
	b := r.batch
	switch {
	case r.over:
		return leftDecided, Version{}
	case b == nil:
		r.over = true
		same := func(w *request[T]) bool { return w == r }
		q.waiting, q.behind = slices.DeleteFunc(q.waiting, same), slices.DeleteFunc(q.behind, same)
		return leftUnsent, Version{}
	}
	sent := slices.Contains(b.sent, r)
	if sent && b.applied {
		return leftDecided, b.base
	}
	if b.present--; b.present == 0 {
		b.cancel() // then the store says what became of the commit
		if sent {
			return leftDecided, b.base
		}
	}
	r.over = true
	if sent {
		return leftSent, b.base
	}
	return leftUnsent, b.base
}

// markSent notes that the changes of parts, made on base, are about to be sent to the
// store. It reports false, and notes nothing, if one of their callers has left.
func (q *writeQueue[T]) markSent(b *batch[T], parts []*request[T], base Version) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if slices.ContainsFunc(parts, func(r *request[T]) bool { return r.over }) {
		return false
	}
	b.sent, b.base = parts, base
	return true
}

// markAnswered notes the store's answer to the commit. After a refusal the store has no
// change of the batch.
func (q *writeQueue[T]) markAnswered(b *batch[T], err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case err == nil:
		b.applied = true
	case !errors.Is(err, ErrUnknownOutcome):
		b.sent = nil
	}
}

// finish gives a call its outcome, unless it has one or its caller has left.
func (q *writeQueue[T]) finish(r *request[T], out outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finishLocked(r, out)
}

func (q *writeQueue[T]) finishLocked(r *request[T], out outcome) {
	if !r.over {
		r.over = true
		q.served = time.Now()
		r.done <- out
	}
}

// setBlocked notes what keeps the calls waiting, nil if nothing does.
func (q *writeQueue[T]) setBlocked(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.blocked = err
}

// idle returns how long ago a call last got its outcome.
func (q *writeQueue[T]) idle() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Since(q.served)
}

// blockedOf returns what keeps a request waiting, nil if nothing does.
func (q *writeQueue[T]) blockedOf(r *request[T]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.locked && r.cfg.exclusive {
		return q.holder
	}
	return q.blocked
}

// putBack ends a batch. Requests without an outcome go back to the head of the queue, and
// each gets a commit of its own if alone is set.
func (q *writeQueue[T]) putBack(b *batch[T], alone bool, cause error) {
	b.cancel()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.blocked = nil
	waits := errors.Is(cause, ErrUnavailable) || errors.Is(cause, ErrLocked) // other errors do not keep later calls waiting
	if waits && !errors.Is(cause, ErrUnknownOutcome) {                       // requests that go back had no part in that
		q.blocked = cause
	}
	back := slices.DeleteFunc(b.members, func(r *request[T]) bool { return r.over })
	for _, r := range back {
		r.batch = nil
		r.alone = r.alone || alone
	}
	q.waiting = append(back, q.waiting...)
}
