package netfault

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// queueLength bounds what one direction of a link may have in flight.
const queueLength = 256

// dialTimeout bounds connecting to the target.
const dialTimeout = 5 * time.Second

// rawPatience bounds the wait for a raw target that does not listen yet, which
// is looked at every rawRetry.
const (
	rawPatience = time.Second
	rawRetry    = 10 * time.Millisecond
)

// link is one client's connection and the one made for it to the target.
type link struct {
	p      *Proxy
	client net.Conn
	ctx    context.Context // ends when the link is cut
	cancel context.CancelFunc

	// Guarded by p.mu.
	server   net.Conn // nil until dialled
	lossy    bool     // something was swallowed by Blackhole
	dropping *rule    // whose reply is to be lost
	xid      int32    // of that request
	lost     *rule    // whose reply was lost: the link is about to be cut
}

func newLink(p *Proxy, client net.Conn) *link {
	l := &link{p: p, client: client}
	l.ctx, l.cancel = context.WithCancel(p.ctx)
	return l
}

// cut closes both connections. It may be called often.
func (l *link) cut() {
	l.cancel()
	l.p.mu.Lock()
	server := l.server
	l.p.mu.Unlock()
	l.client.Close()
	if server != nil {
		server.Close()
	}
}

// run forwards until either end closes or the link is cut.
func (l *link) run() {
	defer l.p.forget(l)
	defer l.cut()
	if _, ok := l.p.awaitNot(Hold, l); !ok {
		return
	}
	if l.swallowing() {
		io.Copy(io.Discard, l.client) // until the client leaves or the link is cut
		return
	}
	server, err := l.dial()
	if err != nil || !l.join(server) {
		return
	}
	var ways sync.WaitGroup
	ways.Go(func() { l.pump(l.client, server, l.p.delayToServer, l.judgeRequest) })
	ways.Go(func() { l.pump(server, l.client, l.p.delayToClient, l.judgeReply) })
	ways.Wait()
}

// dial connects to the target. Where a raw one refuses it is asked for a while: a
// peer that finds a port closed tries again, but one whose connection was
// accepted, as by a proxy it is, takes its end for the peer's.
func (l *link) dial() (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	patience := time.Now().Add(rawPatience)
	for {
		server, err := dialer.DialContext(l.ctx, "tcp", l.p.target)
		if err == nil || !l.p.raw || time.Now().After(patience) || !l.sleepUntil(time.Now().Add(rawRetry)) {
			return server, err
		}
	}
}

// swallowing reports whether the link begins in a Blackhole, and marks it.
func (l *link) swallowing() bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if l.p.mode == Blackhole {
		l.lossy = true
	}
	return l.lossy
}

// join takes over the server's connection, or closes it if the link was cut
// meanwhile.
func (l *link) join(server net.Conn) bool {
	l.p.mu.Lock()
	l.server = server
	l.p.mu.Unlock()
	if l.ctx.Err() != nil {
		server.Close()
		return false
	}
	return true
}

// delivery is a chunk and when it is to go out.
type delivery struct {
	chunk
	due time.Time
}

// pump forwards one direction, and cuts the link when it ends.
func (l *link) pump(src, dst net.Conn, delay func() time.Duration, judge func(c chunk, first bool) verdict) {
	queue := make(chan delivery, queueLength)
	var reader sync.WaitGroup
	reader.Go(func() { l.read(src, queue, delay) })
	l.write(dst, queue, judge)
	l.cut()
	reader.Wait()
}

// read stamps what arrives, and closes the queue at the end.
func (l *link) read(src net.Conn, queue chan<- delivery, delay func() time.Duration) {
	defer close(queue)
	chunks := newChunkReader(src, l.p.raw)
	opening := true
	for {
		c, err := chunks.next()
		if opening && src == l.client && l.p.back != nil {
			c.bytes = redirect(c.bytes, l.p.back())
		}
		opening = false
		if len(c.bytes) > 0 {
			select {
			case queue <- delivery{chunk: c, due: time.Now().Add(delay())}:
			case <-l.ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// write delivers what is due until the queue closes or the link is cut.
func (l *link) write(dst net.Conn, queue <-chan delivery, judge func(c chunk, first bool) verdict) {
	first := true
	for d := range queue {
		if !l.sleepUntil(d.due) {
			return
		}
		if _, ok := l.p.awaitNot(Hold, l); !ok {
			return
		}
		switch judge(d.chunk, first) {
		case forward:
			if _, err := dst.Write(d.bytes); err != nil {
				return
			}
		case lose:
			l.cut()
			l.announce()
			return
		}
		first = false
	}
	// The other end does not learn of a close across a dead network.
	for {
		mode, ok := l.p.awaitNot(Blackhole, l)
		if !ok || mode != Hold {
			return
		}
		if _, ok = l.p.awaitNot(Hold, l); !ok {
			return
		}
	}
}

// announce closes the channel of the order that was just carried out.
func (l *link) announce() {
	l.p.mu.Lock()
	r := l.lost
	l.p.mu.Unlock()
	if r.once {
		close(r.dropped)
	}
}

func (l *link) sleepUntil(due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return l.ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.ctx.Done():
		return false
	}
}

func (p *Proxy) delayToServer() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.toServer
}

func (p *Proxy) delayToClient() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.toClient
}
