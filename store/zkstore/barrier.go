package zkstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
)

// barriers lets all calls that wait share one barrier. The zero value is ready.
//
// A barrier is a Multi that only checks. It is proposed to the quorum like a write, so a
// deposed leader cannot answer it. (ZooKeeper's sync is weaker, a deposed leader does
// answer it: ZOOKEEPER-1675.) It needs read permission only and changes nothing. A
// refusal (there is no such folder, or no right to read it) is proposed as well, so it
// is an answer of the same weight.
type barriers struct {
	mu      sync.Mutex // guards all below
	running bool       // a goroutine sends what waits
	waiting []*orderedRead
}

// orderedRead is one call that wants its requests answered after a barrier.
type orderedRead struct {
	ctx      context.Context // the caller's
	folder   string          // that the barrier checks, if this call is the first of its round
	requests []zk.Request
	done     chan struct{} // closed when what follows is valid
	session  *zk.Session
	replies  []zk.Reply
	err      error // of the barrier; each reply has its own
}

// ordered sends requests so that their answers are linearizable: behind a barrier that
// is sent after the call began, on the same connection. Later requests of the returned
// session are as new: a server that is behind what a session has seen refuses it. A call
// never shares a barrier that was under way when it began.
func (s *Store) ordered(ctx context.Context, path string, requests ...zk.Request) (*zk.Session, []zk.Reply, error) {
	r := &orderedRead{ctx: ctx, folder: s.folder(path), requests: requests, done: make(chan struct{})}
	b := &s.barriers
	b.mu.Lock()
	b.waiting = append(b.waiting, r)
	if !b.running {
		b.running = s.goOn(s.sendOrdered)
	}
	running := b.running
	b.mu.Unlock()
	if !running {
		return nil, nil, zk.ErrClosed
	}
	select {
	case <-r.done:
		return r.session, r.replies, r.err
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// sendOrdered serves the calls that wait, a round at a time, until there are none. A
// round belongs to all its calls, so the context of none of them ends it.
func (s *Store) sendOrdered() {
	b := &s.barriers
	for {
		b.mu.Lock()
		round := b.waiting
		b.waiting = nil
		round = slices.DeleteFunc(round, func(r *orderedRead) bool { return r.ctx.Err() != nil }) // its caller has left
		b.running = len(round) > 0
		b.mu.Unlock()
		if len(round) == 0 {
			return
		}
		s.sendRound(round)
	}
}

func (s *Store) sendRound(round []*orderedRead) {
	requests := []zk.Request{zk.Multi{zk.Check{Path: round[0].folder, Version: zk.AnyVersion}}}
	for _, r := range round {
		requests = append(requests, r.requests...)
	}
	asked := time.Now()
	session, err := s.client.Session(s.ctx)
	var replies []zk.Reply
	if err == nil {
		missing, _ := s.records.missing()
		asked = time.Now()
		replies, _ = session.Do(s.ctx, requests...) // each reply has its own error
		if err = replies[0].Err; errors.Is(err, zk.ErrNoNode) || errors.Is(err, zk.ErrNoAuth) {
			err = nil
		}
		if err == nil && missing == nil {
			s.watched.prove(replies[0].Conn, asked)
		}
		replies = replies[1:]
	}
	s.counters.countRound(asked, err)
	for _, r := range round {
		r.session, r.err = session, err
		if err == nil {
			r.replies, replies = replies[:len(r.requests)], replies[len(r.requests):]
		}
		close(r.done)
	}
}
