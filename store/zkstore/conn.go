package zkstore

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

const (
	// maxCalls bounds the goroutines that wait in the client, which knows no
	// contexts: a caller may leave, its goroutine stays until the client answers.
	maxCalls = 256
	// closeStep bounds each of the two steps of closing.
	closeStep = time.Second
)

// conn is the one connection of a Store: a client, and what contains it.
type conn struct {
	client *zk.Conn
	events <-chan zk.Event // closed by the client when its goroutines are gone
	hosts  *hosts
	dialer *dialer
	slots  chan struct{}
	ctx    context.Context // ends when the conn is closed
	cancel context.CancelFunc
}

// connect starts a client and returns without waiting for a server. onEvent is
// called by the client's goroutines, so it must not block.
func connect(servers []string, session time.Duration, logger *slog.Logger, armed func(string) bool, onEvent func(zk.Event)) (*conn, error) {
	c := &conn{hosts: &hosts{}, dialer: newDialer(session, armed), slots: make(chan struct{}, maxCalls)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	var err error
	c.client, c.events, err = zk.Connect(servers, session,
		zk.WithHostProvider(c.hosts),
		zk.WithDialer(c.dialer.dial),
		zk.WithEventCallback(func(event zk.Event) {
			if event.Type == zk.EventSession && event.State == zk.StateExpired {
				c.hosts.stay()
			}
			onEvent(event)
		}),
		zk.WithMaxBufferSize(maxReply),
		zk.WithLogger(clientLog{logger}),
	)
	if err != nil {
		c.cancel()
		return nil, err
	}
	return c, nil
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
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return none, unsentError{ctx.Err()}
	case <-c.ctx.Done():
		return none, store.ErrClosed
	}
	answers := make(chan answer, 1)
	go func() {
		defer func() { <-c.slots }()
		value, err := fn(c.client)
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil && c.ctx.Err() != nil && classify(a.err) == unknown {
			return none, errClosing
		}
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-c.ctx.Done():
		return none, errClosing
	}
}

// session returns the id of the session that the client has, or had last. It is
// for comparing only: that the client holds an id says nothing about the session
// being alive.
func (c *conn) session() int64 { return c.client.SessionID() }

// close ends the session and returns within two seconds, whatever the server does.
func (c *conn) close() {
	c.cancel()
	c.hosts.stop()
	done := make(chan struct{})
	go func() {
		c.client.Close()
		close(done)
	}()
	await(done, closeStep)
	c.dialer.stop()
	gone := make(chan struct{})
	go func() {
		for range c.events {
		}
		close(gone)
	}()
	await(gone, closeStep)
}

func await(done <-chan struct{}, bound time.Duration) {
	timer := time.NewTimer(bound)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// clientLog passes the client's chatter on, for debugging only.
type clientLog struct{ logger *slog.Logger }

// Printf implements zk.Logger.
func (l clientLog) Printf(format string, args ...any) {
	l.logger.Debug("zookeeper client: " + fmt.Sprintf(format, args...))
}
