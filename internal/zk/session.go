package zk

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Session is one session with the servers. All methods are safe for concurrent use.
type Session struct {
	client   *Client
	id       int64
	password []byte
	lost     chan struct{} // closed when err is set
	wake     chan struct{} // has a token if the queue became due or closing was set

	mu        sync.Mutex // guards all below
	timeout   time.Duration
	queue     []*call // not sent yet
	writer    *writer // of the latest connection, or nil
	inFlight  int     // calls that the present connection took and did not answer yet
	closing   bool    // nothing is queued any more, and the session is to be closed
	err       error   // why it was lost
	confirmed time.Time
}

func newSession(client *Client, id int64, password []byte) *Session {
	return &Session{
		client:   client,
		id:       id,
		password: password,
		lost:     make(chan struct{}),
		wake:     make(chan struct{}, 1),
	}
}

// ID is the session's number, which is EphemeralOwner of its ephemeral nodes.
func (s *Session) ID() int64 { return s.id }

// name is the session's as ZooKeeper prints it.
func (s *Session) name() string { return fmt.Sprintf("%#x", s.id) }

// Timeout is what the servers granted: they end a session from which they have not heard for so long.
func (s *Session) Timeout() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeout
}

// Lost is closed when the session is known to have ended: a server said so, or the client closed or left it. While
// the client is cut off it stays open, whatever the clock says; see Confirmed.
func (s *Session) Lost() <-chan struct{} { return s.lost }

// Err returns why the session was lost, or nil. It matches ErrSessionLost, and ErrClosed if the client was closed.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Confirmed returns when the newest request that a server has answered was sent, pings included. No server ends the
// session by itself before Timeout after that, but for one case: a server that is cut off from its leader goes on
// answering pings for up to syncLimit ticks, and the leader counts from before that. Who must stop before the session
// can have ended looks at the larger of the monotonic and the wall time since then: one of the clocks may have stood
// still while the machine was suspended.
func (s *Session) Confirmed() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.confirmed
}

// Call sends one request and waits for its answer, as Do does. The error is reply.Err.
func (s *Session) Call(ctx context.Context, request Request) (Reply, error) {
	c := s.client.calls.Get().(*call)
	c.request[0] = request
	c.encode(c.request[:], c.reply[:])
	if !s.await(ctx, c) {
		reply := c.partial(ctx.Err())[0]
		return reply, reply.Err
	}
	reply := c.reply[0]
	c.reset()
	s.client.calls.Put(c)
	return reply, reply.Err
}

// Do sends requests back to back on one connection and waits for their answers. Others' requests may come between
// them on the server. While there is no connection it waits: until ctx ends, the session is lost or the client closed.
//
// There is a reply for each request, whose Err is nil or an *Error. The error is the first of them, or nil. All are
// sent or none: if one is NotSent, all are. A request that was sent is never sent again, and one whose caller left
// because ctx ended may still be done: its outcome is Unknown.
func (s *Session) Do(ctx context.Context, requests ...Request) ([]Reply, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	replies := make([]Reply, len(requests))
	c := s.client.calls.Get().(*call)
	c.encode(requests, replies)
	if s.await(ctx, c) {
		c.reset()
		s.client.calls.Put(c)
	} else {
		replies = c.partial(ctx.Err())
	}
	for i := range replies {
		if replies[i].Err != nil {
			return replies, replies[i].Err
		}
	}
	return replies, nil
}

// await queues a call and waits until it is answered. It returns false if the caller left it.
func (s *Session) await(ctx context.Context, c *call) bool {
	if err := s.submit(ctx, c); err != nil {
		c.fail(NotSent, err)
	}
	select {
	case <-c.done:
		return true
	case <-ctx.Done():
	}
	if s.withdraw(c) {
		c.fail(NotSent, s.client.waited(ctx))
	} else if c.leave() {
		return false
	}
	<-c.done
	return true
}

// endedLocked returns why nothing is sent any more.
func (s *Session) endedLocked() error {
	if s.err != nil {
		return s.err
	}
	return ErrClosed
}

func (s *Session) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// confirm notes that a request was answered which was sent then.
func (s *Session) confirm(sent time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirmLocked(sent)
}

func (s *Session) confirmLocked(sent time.Time) {
	if sent.After(s.confirmed) {
		s.confirmed = sent
	}
}

// grant notes the timeout that a server granted on a connect request that was sent then.
func (s *Session) grant(timeout time.Duration, sent time.Time) {
	s.confirm(sent)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timeout = timeout
}

// close makes the session's connection, the present or the next one, end the session after what was sent.
func (s *Session) close() {
	s.mu.Lock()
	s.closing = true
	queue := s.queue
	s.queue = nil
	s.mu.Unlock()
	for _, c := range queue {
		c.fail(NotSent, ErrClosed)
	}
	s.signal()
}

// lose ends the session here: a server has ended it, or it is given up.
func (s *Session) lose(reason error) {
	s.mu.Lock()
	s.err = fmt.Errorf("%w: %w", ErrSessionLost, reason)
	queue, err := s.queue, s.err
	s.queue = nil
	s.mu.Unlock()
	close(s.lost)
	for _, c := range queue {
		c.fail(NotSent, err)
	}
}
