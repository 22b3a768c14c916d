package zk

import (
	"context"
	"errors"
	"sync"
	"time"
)

// newConn makes a connection of a handshake that has succeeded.
func (k *keeper) newConn(h *handshake) *conn {
	k.number++
	k.hungUp = time.Time{}
	h.nc.patience = k.session.Timeout() * 2 / 3
	return &conn{session: k.session, server: h.to, number: k.number, begun: time.Now(), nc: h.nc, in: h.in, ended: make(chan struct{})}
}

// serve carries requests over a connection until it ends, and reports whether there is sense in another one.
func (k *keeper) serve(c *conn) bool {
	k.log.Info("zk: connected", "server", c.server.String(), "session", c.session.name(), "connection", c.number)
	k.notify(Event{Kind: Connected, Session: c.session, Conn: c.number})
	k.client.offer(c.session, c.server)
	if k.closing() { // Close may have looked for the session before it was offered
		c.session.close()
	}
	w := &writer{conn: c}
	c.session.begin(w)
	r := &reader{conn: c, keeper: k}
	var writing sync.WaitGroup
	writing.Go(w.run)
	c.fail(k.read(r))
	writing.Wait()
	r.abandon(c.reason())
	return k.ended(c, r.useful)
}

// read is the reader's run, which ends with the client too.
func (k *keeper) read(r *reader) error {
	defer context.AfterFunc(k.client.ctx, func() { r.conn.fail(ErrClosed) })()
	return r.run()
}

// ended notes why a connection has ended. Where Close waits, one round of servers that are of no use is enough.
func (k *keeper) ended(c *conn, useful bool) bool {
	reason := c.reason()
	if errors.Is(reason, errSessionClosed) {
		k.lose(ErrClosed)
		return false
	}
	k.client.disconnected(c.server.String(), reason)
	k.log.Warn("zk: disconnected", "server", c.server.String(), "session", c.session.name(), "connection", c.number, "duration", time.Since(c.begun), "error", reason)
	k.notify(Event{Kind: Disconnected, Session: c.session, Conn: c.number, Err: reason})
	if useful {
		k.rotation.succeeded(c.server, time.Since(c.begun))
		return true
	}
	return !k.rotation.failed() || !k.closing()
}
