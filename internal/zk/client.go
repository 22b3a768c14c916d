package zk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// closeBound is how long Close waits for servers.
const closeBound = 2 * time.Second

// Client keeps a connection and a session. All methods are safe for concurrent use.
type Client struct {
	cfg      Config
	ctx      context.Context // ends when nothing may be waited for any more
	cancel   context.CancelFunc
	wanted   context.Context // ends when Close begins
	unwant   context.CancelFunc
	done     chan struct{} // closed when no goroutine is left
	failures failures
	calls    sync.Pool // of *call
	sent     atomic.Uint64

	mu        sync.Mutex // guards all below
	session   *Session   // for the callers: established, with the authentication done, and not lost; or nil
	connected bool
	learned   []string      // see Learn; never changed in place
	server    target        // of the connection, zero without one
	refusal   error         // of the authentication, in a round of attempts without success; or nil
	changed   chan struct{} // closed and replaced when session or refusal is set
}

// Connect begins to connect and returns at once. The error is about cfg only. The caller ends the client with Close.
func Connect(cfg Config) (*Client, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, done: make(chan struct{}), changed: make(chan struct{})}
	c.calls.New = newCall
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.wanted, c.unwant = context.WithCancel(c.ctx)
	go (&keeper{client: c, log: cfg.Logger}).run()
	return c, nil
}

// Session returns the session, and waits until there is one that was established and not lost. It does not wait
// for the connection of a session that was established: its calls do. Where a
// server refuses the authentication and none lets the client in, it does not wait either. The error is an *Error:
// NotSent. It says of each server why it could not be used, and matches ErrUnreachable and ctx's error or
// ErrAuthRefused; or ErrClosed.
func (c *Client) Session(ctx context.Context) (*Session, error) {
	for {
		c.mu.Lock()
		session, refusal, changed := c.session, c.refusal, c.changed
		c.mu.Unlock()
		var cause error
		switch {
		case c.wanted.Err() != nil:
			cause = ErrClosed
		case session != nil:
			return session, nil
		case ctx.Err() != nil:
			cause = c.waited(ctx)
		case refusal != nil:
			cause = refusal
		}
		if cause != nil {
			return nil, &Error{Op: "session", Outcome: NotSent, Index: -1, Cause: cause}
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-c.wanted.Done():
		}
	}
}

// Err returns why the client is not connected, or nil if it is. It matches ErrUnreachable, or ErrClosed.
func (c *Client) Err() error {
	if c.wanted.Err() != nil {
		return ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connected {
		return nil
	}
	return c.failures.err()
}

// waited is why something that waited until ctx ended was not sent.
func (c *Client) waited(ctx context.Context) error {
	if err := c.Err(); err != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return ctx.Err()
}

// Learn says which servers there are beside those of Config.Servers, as host:port; it replaces what was said before.
// From the next round of attempts on they are tried when none of the others could be used.
func (c *Client) Learn(servers []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.learned = slices.Clone(servers)
}

func (c *Client) learnedServers() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.learned
}

// Close ends the session, if a server can be reached, and returns within two seconds with no goroutine left.
// Requests that were not sent fail with ErrClosed; those that were sent may still succeed. It causes no event.
func (c *Client) Close() {
	c.unwant()
	c.mu.Lock()
	session := c.session
	c.mu.Unlock()
	if session != nil {
		session.close()
	}
	bound := time.NewTimer(closeBound)
	defer bound.Stop()
	select {
	case <-c.done:
	case <-bound.C:
	}
	c.cancel()
	<-c.done
}

// offer makes a connection's session the callers'.
func (c *Client) offer(s *Session, server target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.connected, c.server, c.refusal = s, true, server, nil
	c.failures.clear()
	c.tellLocked()
}

// tellRefusal lets nobody wait after a round of attempts in which a server refused the authentication.
func (c *Client) tellRefusal() {
	reasons := c.failures.err()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusal = nil
	if errors.Is(reasons, ErrAuthRefused) {
		c.refusal = reasons
		c.tellLocked()
	}
}

// tellLocked wakes those who wait for a session.
func (c *Client) tellLocked() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// disconnected notes why there is no connection.
func (c *Client) disconnected(server string, reason error) {
	c.failures.add(server, reason)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected, c.server = false, target{}
}

// Server returns the address of the server that the client is connected to, as it was dialled, "" if it is to none.
func (c *Client) Server() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(c.server.address, c.server.server)
}

// Host returns the host under which Config.Servers lists that server.
func (c *Client) Host() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server.host()
}

// Sent returns how many requests were sent so far, without pings and what opening a session takes.
func (c *Client) Sent() uint64 { return c.sent.Load() }

// retract takes back a session that was lost, and reports whether it was offered.
func (c *Client) retract() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	offered := c.session != nil
	c.session = nil
	return offered
}
