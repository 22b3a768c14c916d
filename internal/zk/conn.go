package zk

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// bufferSize is that of a connection's read buffer, and what its other buffers keep between uses.
const bufferSize = 16 << 10

// conn is one connection of one session after its handshake. One goroutine reads, another one writes; see writer.
type conn struct {
	session *Session
	server  target
	number  uint64
	begun   time.Time
	nc      net.Conn
	in      *bufio.Reader
	ended   chan struct{} // closed when err is set

	mu     sync.Mutex // guards all below
	sent   []slot     // requests whose replies are awaited, in the order of the wire
	pingAt time.Time  // when the ping was sent whose reply is awaited, or zero
	err    error      // why the connection ended
}

// slot is a request whose reply is awaited. The one that closes the session has no call.
type slot struct {
	xid   int32
	index int // of the request in its call
	call  *call
}

// fail ends the connection. The first reason stays.
func (c *conn) fail(err error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = err
	}
	c.mu.Unlock()
	if first {
		close(c.ended)
		c.nc.Close()
	}
}

// reason returns why the connection ended.
func (c *conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// enroll makes the connection await replies, before the requests are written.
func (c *conn) enroll(slots []slot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, slots...)
}

// collect moves all slots to the end of slots.
func (c *conn) collect(slots []slot) []slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	slots = append(slots, c.sent...)
	clear(c.sent)
	c.sent = c.sent[:0]
	return slots
}

// pinging notes that a ping is about to be sent, or returns false if there is one already.
func (c *conn) pinging(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.pingAt.IsZero() {
		return false
	}
	c.pingAt = now
	return true
}

// pinged returns when the ping was sent that was answered just now, or zero.
func (c *conn) pinged() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := c.pingAt
	c.pingAt = time.Time{}
	return sent
}

// paced is a network connection whose every read and write has a deadline. Setting one costs more than many a read,
// so they are set again only after an eighth of the time: a deadline comes up to that much early.
type paced struct {
	net.Conn
	patience    time.Duration
	readFrom    time.Time // when the read deadline was set
	writtenFrom time.Time
}

// Close does without TLS's farewell, which would wait for seconds where the other side does not read.
func (p *paced) Close() error {
	if secured, ok := p.Conn.(*tls.Conn); ok {
		return secured.NetConn().Close()
	}
	return p.Conn.Close()
}

func (p *paced) Read(b []byte) (int, error) {
	if now := time.Now(); p.patience > 0 && now.Sub(p.readFrom) > p.patience/8 {
		p.readFrom = now
		if err := p.SetReadDeadline(now.Add(p.patience)); err != nil {
			return 0, err
		}
	}
	return p.Conn.Read(b)
}

func (p *paced) Write(b []byte) (int, error) {
	if now := time.Now(); p.patience > 0 && now.Sub(p.writtenFrom) > p.patience/8 {
		p.writtenFrom = now
		if err := p.SetWriteDeadline(now.Add(p.patience)); err != nil {
			return 0, err
		}
	}
	return p.Conn.Write(b)
}
