package zkstore

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zkstate/zkstate/internal/zk"
)

// sharedWrites lets the writes of many listener records share one transaction: each one
// is written to the log of every server. A write that is refused fails alone, and the
// others go out again without it. The zero value is ready.
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

	done    chan struct{} // closed when what follows is valid
	results []zk.Result
	reply   zk.Reply // to behind
	err     error
}

const (
	// sharedMost bounds how many writes share a transaction.
	sharedMost = 128
	// sharedBytes bounds their data, so that the transaction is far from a server's limit.
	sharedBytes = 256 << 10
)

// share does ops in one transaction, which others may share. An error's Index is that of
// one of ops. Every write must be harmless if it is done after its caller has left.
func (s *Store) share(ctx context.Context, session *zk.Session, ops zk.Multi, behind zk.Request) ([]zk.Result, zk.Reply, error) {
	w := &sharedWrite{ctx: ctx, session: session, ops: ops, behind: behind, done: make(chan struct{})}
	q := &s.shared
	q.mu.Lock()
	q.waiting = append(q.waiting, w)
	if !q.running {
		q.running = s.goOn(s.sendShared)
	}
	running := q.running
	q.mu.Unlock()
	if !running {
		return nil, zk.Reply{}, zk.ErrClosed
	}
	select {
	case <-w.done:
		return w.results, w.reply, w.err
	case <-ctx.Done():
		return nil, zk.Reply{}, ctx.Err()
	}
}

// sendShared serves the calls that wait, a transaction at a time, until there are none.
func (s *Store) sendShared() {
	for {
		together := s.shared.next()
		if len(together) == 0 {
			return
		}
		together.sendAll(s.ctx)
	}
}

// next takes writes of one session that fit into one transaction.
func (q *sharedWrites) next() (together writesTogether) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(w *sharedWrite) bool { return w.ctx.Err() != nil }) // its caller has left
	bytes, n := 0, 0
	for _, w := range q.waiting {
		bytes += w.size()
		if n == sharedMost || n > 0 && (w.session != q.waiting[0].session || bytes > sharedBytes) {
			break
		}
		n++
	}
	together = slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.running = n > 0
	return together
}

func (w *sharedWrite) size() (bytes int) {
	for _, op := range w.ops {
		switch op := op.(type) {
		case zk.Create:
			bytes += len(op.Data)
		case zk.Set:
			bytes += len(op.Data)
		}
	}
	return bytes
}

// writesTogether share a transaction.
type writesTogether []*sharedWrite

// sendAll does all but those that are refused. Where one was, others may be: they go out in halves.
func (together writesTogether) sendAll(ctx context.Context) {
	again := together.send(ctx)
	if half := len(again) / 2; len(again) > 0 {
		again[half:].sendAll(ctx)
		if half > 0 {
			again[:half].sendAll(ctx)
		}
	}
}

// send does all, or finds the one that is refused; then the others are to go out again.
func (together writesTogether) send(ctx context.Context) (again writesTogether) {
	var all zk.Multi
	requests := []zk.Request{nil}
	for _, w := range together {
		all = append(all, w.ops...)
		if w.behind != nil {
			requests = append(requests, w.behind)
		}
	}
	requests[0] = all
	replies, _ := together[0].session.Do(ctx, requests...) // each reply has its own error
	results, replies, err := replies[0].Results, replies[1:], replies[0].Err
	e, _ := errors.AsType[*zk.Error](err)
	alone := e != nil && e.Outcome == zk.Refused && e.Index >= 0
	first := 0 // of the operations of w
	for _, w := range together {
		past := first + len(w.ops)
		switch {
		case err == nil:
			w.results = results[first:past]
			if w.behind != nil {
				w.reply, replies = replies[0], replies[1:]
			}
		case alone && (e.Index < first || e.Index >= past):
			if w.ctx.Err() == nil { // else its caller has left
				again = append(again, w)
			}
			first = past
			continue
		case alone:
			own := *e
			own.Index -= first
			w.err = &own
		default:
			w.err = err
		}
		first = past
		close(w.done)
	}
	return again
}
