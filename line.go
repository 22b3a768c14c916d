package zkstate

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// line is where the writing calls of one State wait, in the order they came, and
// the batches in which they are carried out. While any wait, one goroutine serves
// them.
type line[T any] struct {
	mu      sync.Mutex // guards all below, and the fields of requests and batches that say so
	waiting []*request[T]
	serving bool
	arrived chan struct{} // level-triggered: somebody joined
	served  time.Time     // when a call got its outcome last
	pause   time.Duration // from then until somebody joined, the last time
	trouble error         // of the last attempt, nil if it went well

	// Used by the goroutine that serves only.
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

	turn chan turn[T] // offers to run fn, to a caller that is still there
	done chan outcome // how it ended; it has room for one

	// Guarded by line.mu.
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

	// Guarded by line.mu.
	present int  // callers who have not left
	sent    bool // the store may have it
}

// maxBatch bounds how long the first of a batch waits for the others' functions.
const maxBatch = 256

// join puts a request at the end, and reports whether nobody serves the line.
func (l *line[T]) join(r *request[T]) (unserved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, r)
	l.pause = time.Since(l.served)
	unserved = !l.serving
	l.serving = true
	select {
	case l.arrived <- struct{}{}:
	default:
	}
	return unserved
}

// gather lets those run who have just got their outcome, for as long as that brings
// some of them back: who calls in a loop should go with the next batch, not with the
// one after it.
func (l *line[T]) gather() {
	for last := -1; ; {
		l.mu.Lock()
		n := len(l.waiting)
		l.mu.Unlock()
		if n == last || n >= maxBatch {
			return
		}
		last = n
		runtime.Gosched()
	}
}

// board takes the next batch out of the line: the first request, and those behind
// it that can share a commit with it. It returns nil if nobody waits.
func (l *line[T]) board(ctx context.Context) *batch[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return nil
	}
	b := &batch[T]{}
	b.ctx, b.cancel = context.WithCancel(ctx)
	l.admit(b, 1)
	l.fill(b)
	return b
}

// extend adds to a batch that was not sent yet who has come since, and reports whether
// anybody has. Nobody joins a batch that all have left.
func (l *line[T]) extend(b *batch[T]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(b.members)
	if b.ctx.Err() == nil {
		l.fill(b)
	}
	return len(b.members) > before
}

// fill adds to a batch who can share a commit with its first member; mu is held.
func (l *line[T]) fill(b *batch[T]) {
	n, room := 0, min(len(l.waiting), maxBatch-len(b.members))
	for !b.members[0].alone && n < room && !l.waiting[n].alone {
		n++
	}
	l.admit(b, n)
}

// admit moves the first n of the line into a batch; mu is held.
func (l *line[T]) admit(b *batch[T], n int) {
	for _, r := range l.waiting[:n] {
		r.batch = b
	}
	b.members = append(b.members, l.waiting[:n]...)
	b.present += n
	l.waiting = slices.Delete(l.waiting, 0, n)
}

// close ends the service if nobody waits, and reports whether it did.
func (l *line[T]) close() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serving = len(l.waiting) > 0
	return !l.serving
}

// brisk reports whether somebody waits, or calls tend to follow an answer so soon
// that it pays to wait for the next one.
func (l *line[T]) brisk(within time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0 || l.pause < within
}

// What a caller who leaves is to do.
type parting int

const (
	partFree  parting = iota // nothing was sent, and nothing of it will be
	partAwait                // the outcome is there, or comes at once
	partBlind                // the others' commit goes on, and may have its part in it
)

// leave is called when the caller's context has ended.
func (l *line[T]) leave(r *request[T]) parting {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := r.batch
	switch {
	case r.over:
		return partAwait
	case b == nil:
		r.over = true
		l.waiting = slices.DeleteFunc(l.waiting, func(w *request[T]) bool { return w == r })
		return partFree
	}
	if b.present--; b.present == 0 {
		b.cancel() // and the store says what became of it
		if b.sent {
			return partAwait
		}
	}
	r.over = true
	if b.sent {
		return partBlind
	}
	return partFree
}

// seal says that the batch is about to be sent, unless the caller of one of those
// whose function ran has left.
func (l *line[T]) seal(b *batch[T], ran []*request[T]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b.sent = !slices.ContainsFunc(ran, func(r *request[T]) bool { return r.over })
	return b.sent
}

// finish ends a call.
func (l *line[T]) finish(r *request[T], out outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !r.over {
		r.over = true
		l.served = time.Now()
		r.done <- out
	}
}

// setTrouble notes what keeps the calls waiting, nil if nothing does.
func (l *line[T]) setTrouble(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = err
}

// idle is how long ago a call got its outcome.
func (l *line[T]) idle() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.served)
}

// lastTrouble returns what keeps the calls waiting, or why the last attempt came to
// nothing; nil if it did not.
func (l *line[T]) lastTrouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trouble
}

// unload ends a batch. Who has no outcome yet goes back to the head of the line,
// each to a commit of its own if alone is set.
func (l *line[T]) unload(b *batch[T], alone bool, trouble error) {
	b.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = trouble
	back := slices.DeleteFunc(b.members, func(r *request[T]) bool { return r.over })
	for _, r := range back {
		r.batch = nil
		r.alone = r.alone || alone
	}
	l.waiting = append(back, l.waiting...)
}
