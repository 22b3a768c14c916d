package zkstore

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// conn is the one connection of a Store: the client library, supervised.
type conn struct {
	servers  []string
	session0 time.Duration // the session timeout to ask for
	auth     []Auth
	logger   *slog.Logger
	armed    func(string) bool // whether reads of a node should set a watch
	onEvent  func(zk.Event)    // called by the client's goroutines: it must not block

	client     atomic.Pointer[client]
	abandoned  sync.WaitGroup // the ends of clients that were replaced
	supervised chan struct{}  // closed when the supervisor has ended
	ctx        context.Context
	cancel     context.CancelFunc // ctx ends when the conn is closed
}

// connect starts a client and returns without waiting for a server.
func connect(c *conn) error {
	c.supervised = make(chan struct{})
	c.ctx, c.cancel = context.WithCancel(context.Background())
	first, err := c.newClient()
	if err != nil {
		c.cancel()
		return err
	}
	c.client.Store(first)
	go c.supervise()
	return nil
}

// supervise replaces a client that has not answered a call for one and a half session
// timeouts. The library answers calls with an error when it cannot reach a server;
// one that does not even do that is stuck for good, as when it fails to show its
// credentials to a new connection. Its session is lost by then in any case.
func (c *conn) supervise() {
	defer close(c.supervised)
	for {
		k := c.client.Load()
		limit := k.dialer.granted() * 3 / 2
		pause(c.ctx, limit/16)
		if c.ctx.Err() != nil {
			return
		}
		if k.oldest() <= limit {
			continue
		}
		c.logger.Warn("zkstore: the ZooKeeper client is stuck, starting another one")
		if next, err := c.newClient(); err == nil {
			c.client.Store(next)
			k.abandon()
			c.abandoned.Go(k.Close)
		}
	}
}

// call runs fn against the client and waits for it, at most until ctx ends or the
// conn is closed. fn may still be running then, and a request that it queued may
// yet be sent: the outcome of a write is unknown.
func call[R any](ctx context.Context, c *conn, fn func(*zk.Conn) (R, error)) (R, error) {
	type answer struct {
		value R
		err   error
	}
	var none R
	if c.ctx.Err() != nil {
		return none, store.ErrClosed
	}
	k, err := c.readied(ctx)
	if err != nil {
		return none, err
	}
	answers := make(chan answer, 1)
	done := k.begin()
	go func() {
		value, err := fn(k.Conn)
		answers <- answer{value, err}
		done()
		<-k.slots
	}()
	select {
	case a := <-answers:
		if a.err != nil && c.ctx.Err() != nil && classify(a.err) == unknown {
			return none, errClosing
		}
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-k.gone:
		return none, errStuck
	case <-c.ctx.Done():
		return none, errClosing
	}
}

// readied returns the client once it has shown its credentials and has room for a
// call, which is taken.
func (c *conn) readied(ctx context.Context) (*client, error) {
	k := c.client.Load()
	for ready, room := k.ready, (chan struct{})(nil); ; {
		select {
		case <-ready:
			if err := k.denied(); err != nil {
				return nil, err
			}
			ready, room = nil, k.slots
		case room <- struct{}{}:
			return k, nil
		case <-k.gone:
			return nil, unsentError{errStuck}
		case <-ctx.Done():
			return nil, unsentError{ctx.Err()}
		case <-c.ctx.Done():
			return nil, store.ErrClosed
		}
	}
}

// session returns the id of the session that the client has, or had last. It is
// for comparing only: that the client holds an id says nothing about the session
// being alive.
func (c *conn) session() int64 { return c.client.Load().SessionID() }

// dialer makes the connections that are in use.
func (c *conn) dialer() *dialer { return c.client.Load().dialer }

// close ends the session and returns within two seconds, whatever the server does.
func (c *conn) close() {
	bound := time.Now().Add(2 * closeStep)
	c.cancel()
	<-c.supervised
	gone := make(chan struct{})
	go func() {
		c.abandoned.Wait()
		close(gone)
	}()
	c.client.Load().shut()
	await(gone, time.Until(bound))
}
