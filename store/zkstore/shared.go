package zkstore

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zkstate/zkstate/internal/zk"
)

// sharedWrites lets writes that wait at the same time share one transaction: each one is written
// to the log of every server. They are creations of documents and writes of listener records. A
// write that is refused fails alone, and the others go out again, each in its own transaction.
// The zero value is ready.
type sharedWrites struct {
	mu      sync.Mutex // guards all below
	running bool       // a goroutine sends what waits
	waiting []*sharedWrite
}

// sharedWrite is one call's part.
type sharedWrite struct {
	ctx     context.Context // the caller's
	session *zk.Session     // the only one in which it may be done
	ops     zk.Multi
	behind  zk.Request // sent right behind the transaction; nil: nothing is

	done  chan struct{} // closed when what follows is valid
	reply zk.Reply      // as if ops had been sent alone
	after zk.Reply      // to behind
}

const (
	// sharedMost bounds how many writes share a transaction.
	sharedMost = 128
	// sharedBytes bounds their size, so that no server hangs up on many that would not on one.
	sharedBytes = largeRequest
)

// share does ops in one transaction, which others may share, and returns the reply to them and to
// behind. Every write must be harmless if it is done after its caller has left.
func (s *Store) share(ctx context.Context, session *zk.Session, ops zk.Multi, behind zk.Request) (reply, after zk.Reply) {
	w := newSharedWrite(ctx, session, ops, behind)
	q := &s.shared
	q.mu.Lock()
	q.waiting = append(q.waiting, w)
	if !q.running {
		q.running = s.goOn(s.sendShared)
	}
	running := q.running
	q.mu.Unlock()
	if !running {
		return failed(zk.NotSent, zk.ErrClosed), zk.Reply{}
	}
	select {
	case <-w.done:
		return w.reply, w.after
	case <-ctx.Done():
	}
	if q.withdraw(w) {
		return failed(zk.NotSent, ctx.Err()), zk.Reply{}
	}
	return failed(zk.Unknown, ctx.Err()), zk.Reply{}
}

func newSharedWrite(ctx context.Context, session *zk.Session, ops zk.Multi, behind zk.Request) *sharedWrite {
	return &sharedWrite{ctx: ctx, session: session, ops: ops, behind: behind, done: make(chan struct{})}
}

func failed(outcome zk.Outcome, cause error) zk.Reply {
	var reply zk.Reply
	reply.Err = &zk.Error{Op: "multi", Outcome: outcome, Index: -1, Cause: cause}
	return reply
}

// withdraw takes a write out, and reports whether it was still waiting.
func (q *sharedWrites) withdraw(w *sharedWrite) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// sendShared serves the calls that wait, a transaction at a time, until there are none.
func (s *Store) sendShared() {
	for {
		together := s.shared.next()
		if len(together) == 0 {
			return
		}
		deliver(s.ctx, together)
	}
}

// deliver sends transactions of one session, and then each write alone that failed because of
// another one.
func deliver(ctx context.Context, transactions ...writesTogether) {
	if len(transactions) == 0 {
		return
	}
	if again := send(ctx, transactions...); len(again) > 0 {
		send(ctx, slices.Collect(slices.Chunk(again, 1))...)
	}
}

// next takes writes of one session that fit into one transaction.
func (q *sharedWrites) next() (together writesTogether) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size, n := 0, 0
	for _, w := range q.waiting {
		size += w.size()
		if n == sharedMost || n > 0 && (w.session != q.waiting[0].session || size > sharedBytes) {
			break
		}
		n++
	}
	together = slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.running = n > 0
	return together
}

// size is about that on the wire.
func (w *sharedWrite) size() (bytes int) {
	for _, op := range w.ops {
		switch op := op.(type) {
		case zk.Create:
			bytes += len(op.Path) + len(op.Data)
		case zk.Set:
			bytes += len(op.Path) + len(op.Data)
		}
	}
	return bytes
}

// writesTogether share a transaction.
type writesTogether []*sharedWrite

// send sends transactions back to back. It returns the writes that were not done because another
// one of their transaction was refused.
func send(ctx context.Context, transactions ...writesTogether) (again writesTogether) {
	var requests []zk.Request
	for _, together := range transactions {
		requests = append(requests, together.multi())
		for _, w := range together {
			if w.behind != nil {
				requests = append(requests, w.behind)
			}
		}
	}
	replies, _ := transactions[0][0].session.Do(ctx, requests...) // each reply has its own error
	for _, together := range transactions {
		reply := replies[0]
		replies = replies[1:]
		for _, w := range together {
			if w.behind != nil {
				w.after, replies = replies[0], replies[1:]
			}
		}
		again = append(again, together.take(reply)...)
	}
	return again
}

func (together writesTogether) multi() (all zk.Multi) {
	for _, w := range together {
		all = append(all, w.ops...)
	}
	return all
}

// take gives each write its part of the reply, and returns those that have none since another one
// was refused.
func (together writesTogether) take(reply zk.Reply) (others writesTogether) {
	e, _ := errors.AsType[*zk.Error](reply.Err)
	alone := e != nil && e.Outcome == zk.Refused && e.Index >= 0
	first := 0 // of the operations of w
	for _, w := range together {
		past := first + len(w.ops)
		w.reply = reply
		switch {
		case reply.Err == nil:
			w.reply.Results = reply.Results[first:past]
		case alone && (e.Index < first || e.Index >= past):
			if w.ctx.Err() == nil { // else its caller has left
				others = append(others, w)
			}
			first = past
			continue
		case alone:
			own := *e
			own.Index -= first
			w.reply.Err = &own
		}
		first = past
		close(w.done)
	}
	return others
}
