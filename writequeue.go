package zkstate

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// writeQueue is where the writing calls of one State wait, in the order they came, and
// the batches in which they are carried out. While any wait, one goroutine, the
// writer, carries them out.
type writeQueue[T any] struct {
	mu      sync.Mutex // guards all below, and the fields of requests and batches that say so
	waiting []*request[T]
	writing bool          // the writer is at work
	arrived chan struct{} // level-triggered: somebody joined; made by the first who does
	served  time.Time     // when a call got its outcome last
	pause   time.Duration // from then until somebody joined, the last time
	trouble error         // that kept the last attempt waiting, nil if none did

	// Used by the writer only.
	contended  bool      // other instances write too
	queueAgain time.Time // until then it does without the store's queue of writers
	burst      time.Time // when it began to commit one after another without a turn
}

// request is one call of Update or Delete.
type request[T any] struct {
	ctx  context.Context // the caller's, and the State's
	verb string
	fn   func(*T) error // nil: delete the document, or
	cfg  updateConfig

	restore []byte // put this in its place

	offers chan offer[T] // offers to run fn, to a caller that is still there
	done   chan outcome  // how it ended; it has room for one

	// Guarded by writeQueue.mu.
	batch *batch[T] // nil while it waits
	alone bool      // shares no commit with others
	over  bool      // done has its outcome, or the caller left
}

// outcome is how a call ends.
type outcome struct {
	version Version
	err     error
}

// batch is what goes out as one commit.
type batch[T any] struct {
	members []*request[T]
	ctx     context.Context // ends with the State, or when no caller is left
	cancel  context.CancelFunc

	// Guarded by writeQueue.mu.
	present int           // callers who have not left
	sent    []*request[T] // whose changes the store may have, or has
	base    Version       // that they were made on
	applied bool          // the store has them
}

// maxBatch bounds how long the first of a batch waits for the others' functions.
const maxBatch = 256

// add puts a request at the end, and reports whether a writer has to be started.
func (q *writeQueue[T]) add(r *request[T]) (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
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

// gather lets those run who have just got their outcome, for as long as that brings
// some of them back: who calls in a loop should go with the next batch, not with the
// one after it.
func (q *writeQueue[T]) gather() {
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
// it that can share a commit with it. It returns nil if nobody waits.
func (q *writeQueue[T]) nextBatch(ctx context.Context) *batch[T] {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	b := &batch[T]{}
	b.ctx, b.cancel = context.WithCancel(ctx)
	q.move(b, 1)
	q.fill(b)
	return b
}

// extend adds to a batch that was not sent yet who has come since, and reports whether
// anybody has. Nobody joins a batch that all have left.
func (q *writeQueue[T]) extend(b *batch[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(b.members)
	if b.ctx.Err() == nil {
		q.fill(b)
	}
	return len(b.members) > before
}

// fill adds to a batch who can share a commit with its first member; mu is held.
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

// stopIfEmpty ends the writer's work if nobody waits, and reports whether it did.
func (q *writeQueue[T]) stopIfEmpty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing = len(q.waiting) > 0
	return !q.writing
}

// busy reports whether somebody waits, or calls tend to follow an answer so soon
// that it pays to wait for the next one.
func (q *writeQueue[T]) busy(within time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) > 0 || q.pause < within
}

// What a caller who leaves is to do.
type departure int

const (
	leftUnsent  departure = iota // nothing was sent, and nothing of it will be
	leftDecided                  // the outcome is there, or comes at once
	leftSent                     // the others' commit goes on, and has its changes in it
)

// leave is called when the caller's context has ended. It also returns the version that
// what was sent is based on.
func (q *writeQueue[T]) leave(r *request[T]) (departure, Version) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := r.batch
	switch {
	case r.over:
		return leftDecided, Version{}
	case b == nil:
		r.over = true
		q.waiting = slices.DeleteFunc(q.waiting, func(w *request[T]) bool { return w == r })
		return leftUnsent, Version{}
	}
	sent := slices.Contains(b.sent, r)
	if sent && b.applied {
		return leftDecided, b.base
	}
	if b.present--; b.present == 0 {
		b.cancel() // and the store says what became of it
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

// markSent says that the store is about to get what the functions of some of a batch made
// of a version, unless the caller of one of them has left.
func (q *writeQueue[T]) markSent(b *batch[T], parts []*request[T], base Version) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if slices.ContainsFunc(parts, func(r *request[T]) bool { return r.over }) {
		return false
	}
	b.sent, b.base = parts, base
	return true
}

// markAnswered notes what the store said to what was sent. If it was refused, the store has
// nothing any more.
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

// finish ends a call.
func (q *writeQueue[T]) finish(r *request[T], out outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !r.over {
		r.over = true
		q.served = time.Now()
		r.done <- out
	}
}

// setTrouble notes what keeps the calls waiting, nil if nothing does.
func (q *writeQueue[T]) setTrouble(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.trouble = err
}

// idle is how long ago a call got its outcome.
func (q *writeQueue[T]) idle() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Since(q.served)
}

// lastTrouble returns what keeps the calls waiting, nil if nothing does.
func (q *writeQueue[T]) lastTrouble() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.trouble
}

// putBack ends a batch. Who has no outcome yet goes back to the head of the queue,
// each to a commit of its own if alone is set.
func (q *writeQueue[T]) putBack(b *batch[T], alone bool, trouble error) {
	b.cancel()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.trouble = nil
	waits := errors.Is(trouble, ErrUnavailable) || errors.Is(trouble, ErrLocked) // all else is the batch's own
	if waits && !errors.Is(trouble, ErrUnknownOutcome) {                         // in which those who go back have no part
		q.trouble = trouble
	}
	back := slices.DeleteFunc(b.members, func(r *request[T]) bool { return r.over })
	for _, r := range back {
		r.batch = nil
		r.alone = r.alone || alone
	}
	q.waiting = append(back, q.waiting...)
}
