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
	made    []string   // payloads that ops create: see [Store.sawMade]
	behind  zk.Request // sent right behind the transaction; nil: nothing is
	at      int        // where in a round trip behind is; 0: nowhere

	done    chan struct{} // closed when what follows is valid
	reply   zk.Reply      // as if ops had been sent alone
	after   zk.Reply      // to behind
	madeAt  int64         // the time of the transaction, which a Multi does not tell
	unknown error         // why madeAt is not known; nil: it is
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
	if reply = s.shareWrite(w); reply.Err == nil {
		after = w.after
	}
	return reply, after
}

// shareWrite is share for a write. What else it says is valid if there is no error.
func (s *Store) shareWrite(w *sharedWrite) zk.Reply {
	q := &s.shared
	q.mu.Lock()
	q.waiting = append(q.waiting, w)
	if !q.running {
		q.running = s.goOn(s.sendShared)
	}
	running := q.running
	q.mu.Unlock()
	if !running {
		return failed(zk.NotSent, zk.ErrClosed)
	}
	select {
	case <-w.done:
		return w.reply
	case <-w.ctx.Done():
	}
	if q.withdraw(w) {
		return failed(zk.NotSent, w.ctx.Err())
	}
	return failed(zk.Unknown, w.ctx.Err())
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
		s.deliver(s.ctx, together)
	}
}

// deliver sends transactions of one session, and then each write alone that failed because of
// another one.
func (s *Store) deliver(ctx context.Context, transactions ...writesTogether) {
	if len(transactions) == 0 {
		return
	}
	if again := s.send(ctx, transactions...); len(again) > 0 {
		s.send(ctx, slices.Collect(slices.Chunk(again, 1))...)
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
func (s *Store) send(ctx context.Context, transactions ...writesTogether) (again writesTogether) {
	var requests []zk.Request
	multis := make([]int, len(transactions))
	for i, together := range transactions {
		multis[i] = len(requests)
		requests = together.append(requests)
	}
	replies, _ := transactions[0][0].session.Do(ctx, requests...) // each reply has its own error
	for i, together := range transactions {
		for _, w := range together {
			if w.at > 0 {
				w.after = replies[w.at]
			}
		}
		reply := replies[multis[i]]
		if reply.Err == nil {
			s.sawMade(ctx, together, reply)
		}
		again = append(again, together.take(reply)...)
	}
	return again
}

// append appends the transaction and what is asked behind it. All watches are one request, and one
// payload tells when all were made.
func (together writesTogether) append(requests []zk.Request) []zk.Request {
	requests = append(requests, together.multi())
	watching, looking := 0, 0
	for _, w := range together {
		watches, watch := w.behind.(zk.SetWatches)
		switch {
		case w.behind == nil:
			w.at = 0
		case watch && watching > 0:
			all := requests[watching].(zk.SetWatches)
			all.Children = append(all.Children, watches.Children...)
			requests[watching], w.at = all, watching
		case w.made != nil && looking > 0:
			w.at = looking
		default:
			w.at = len(requests)
			requests = append(requests, w.behind)
			if watch {
				watching = w.at
			} else if w.made != nil {
				looking = w.at
			}
		}
	}
	return requests
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
