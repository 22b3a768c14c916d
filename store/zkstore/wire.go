package zkstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ZooKeeper's wire: every packet is a big-endian length and so many bytes. A
// request begins with xid and opcode, a reply with xid, zxid and error code. The
// first packet each way is the handshake.
const (
	opExists  = 3
	opGetData = 4

	maxHandshake   = 4 << 10 // a connect response has 37 bytes
	minReply       = 16      // the client slices that much without asking
	maxReply       = 4 << 20
	connectTimeout = time.Second
)

// dialer makes the client's connections and can cut the one that is in use.
type dialer struct {
	session time.Duration     // the session timeout that is asked for
	armed   func(string) bool // whether reads of a node should set a watch
	pulse   pulse

	mu      sync.Mutex // guards all below
	current *wire
	ctx     context.Context // ends when the dialer is stopped
	cancel  context.CancelFunc
}

func newDialer(session time.Duration, armed func(string) bool) *dialer {
	d := &dialer{session: session, armed: armed, pulse: pulse{start: time.Now()}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// dial implements zk.Dialer. Names are resolved anew each time.
func (d *dialer) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: conn, armed: d.armed, pulse: &d.pulse}
	w.patience.Store(int64(max(d.session/6, 300*time.Millisecond)))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		_ = conn.Close()
		return nil, d.ctx.Err()
	}
	d.current = w
	return w, nil
}

// heard reports whether the connection in use brought a packet lately.
func (d *dialer) heard() bool {
	d.mu.Lock()
	w := d.current
	d.mu.Unlock()
	if w == nil {
		return false
	}
	at := w.heard.Load()
	return at != 0 && time.Since(time.Unix(0, at)) <= time.Duration(w.patience.Load())
}

// silence is how long ago a packet came last, over whatever connection.
func (d *dialer) silence() time.Duration {
	return time.Since(d.pulse.start) - time.Duration(d.pulse.heard.Load())
}

// granted is the session timeout that the servers grant.
func (d *dialer) granted() time.Duration {
	if granted := d.pulse.granted.Load(); granted > 0 {
		return time.Duration(granted)
	}
	return d.session
}

// pulse is what all connections of a dialer know together.
type pulse struct {
	start   time.Time
	heard   atomic.Int64 // when a packet came last, in nanoseconds since start
	granted atomic.Int64 // the session timeout, a time.Duration; 0 before the first handshake
}

func (p *pulse) beat() { p.heard.Store(int64(time.Since(p.start))) }

// stop cuts the connection and refuses new ones.
func (d *dialer) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel()
	if d.current != nil {
		_ = d.current.Close()
	}
}

// wire is one connection to one server, and keeps three dangers from the client
// library:
//
//   - It waits for a handshake ten times as long as for anything else, and for its
//     body for ever: one hung server in the list cost the session. Every read has
//     a deadline here, also when the client asks for none.
//   - It believes any packet length: a garbage one allocated 337 MB, and one
//     below 16 panics. Such a length ends the connection.
//   - It puts watches back after a reconnect relative to a zxid that a queued
//     request may have raised meanwhile, so that some never fire (and reads that
//     zxid in a race). It is therefore never told of any: a read of a node that is
//     followed sets its watch on its way out, here, and the event comes by the
//     session callback. A new connection begins with no watches and, because every
//     follower looks again then, soon has them all; reading again is idempotent,
//     so there is never more than one a node.
type wire struct {
	net.Conn
	armed    func(string) bool
	pulse    *pulse
	patience atomic.Int64 // the longest wait for a read, a time.Duration
	heard    atomic.Int64 // when a packet came last, in Unix nanoseconds; 0 before the handshake and after the end

	// Used by the client's one reader only.
	header  []byte // of the packet that is coming in, until it is whole
	rest    int    // bytes of the packet's body yet to come
	greeted bool   // the handshake has come in
	hello   []byte // the first bytes of the handshake's body

	shook bool // the handshake has gone out; used by the client's one writer only
}

// SetReadDeadline implements net.Conn, within bounds.
func (w *wire) SetReadDeadline(t time.Time) error {
	latest := time.Now().Add(time.Duration(w.patience.Load()))
	if t.IsZero() || t.After(latest) {
		t = latest
	}
	return w.Conn.SetReadDeadline(t)
}

// Read implements net.Conn and looks at the lengths that pass.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 && w.greeted {
		w.heard.Store(time.Now().UnixNano())
		w.pulse.beat()
	}
	if err != nil {
		w.heard.Store(0)
	}
	if bad := w.inspect(p[:n]); bad != nil {
		_ = w.Close()
		return 0, bad
	}
	return n, err
}

// inspect follows the packets' borders through the bytes that came in.
func (w *wire) inspect(p []byte) error {
	for len(p) > 0 {
		if w.rest > 0 {
			n := min(w.rest, len(p))
			if !w.greeted {
				w.hello = append(w.hello, p[:n]...)
			}
			w.rest, p = w.rest-n, p[n:]
			if w.rest == 0 && !w.greeted {
				w.greet()
			}
			continue
		}
		n := min(4-len(w.header), len(p))
		w.header, p = append(w.header, p[:n]...), p[n:]
		if len(w.header) < 4 {
			return nil
		}
		length := int64(binary.BigEndian.Uint32(w.header))
		w.header = w.header[:0]
		least, most := int64(minReply), int64(maxReply)
		if !w.greeted {
			least, most = 1, maxHandshake
		}
		if length < least || length > most {
			return fmt.Errorf("packet of %d bytes from %v, expected %d to %d: is this a ZooKeeper server?", length, w.RemoteAddr(), least, most)
		}
		w.rest = int(length)
	}
	return nil
}

// greet takes the session timeout that the server granted out of its handshake.
// The client pings every third of it, so half of it is a fair time to wait.
func (w *wire) greet() {
	w.greeted = true
	w.heard.Store(time.Now().UnixNano())
	w.pulse.beat()
	if len(w.hello) >= 8 {
		granted := time.Duration(binary.BigEndian.Uint32(w.hello[4:8])) * time.Millisecond
		if granted > 0 {
			w.patience.Store(int64(granted / 2))
			w.pulse.granted.Store(int64(granted))
		}
	}
	w.hello = nil
}

// Write implements net.Conn. The client writes one packet a call.
func (w *wire) Write(p []byte) (int, error) {
	if w.shook && w.wantsWatch(p) {
		p = slices.Clone(p)
		p[len(p)-1] = 1 // the last field of both requests is the watch flag
	}
	w.shook = true
	return w.Conn.Write(p)
}

// wantsWatch reports whether p is a read of a node that is followed.
func (w *wire) wantsWatch(p []byte) bool {
	const head = 16 // length, xid, opcode, length of the path
	if len(p) < head+1 {
		return false
	}
	if op := binary.BigEndian.Uint32(p[8:12]); op != opGetData && op != opExists {
		return false
	}
	path := p[head : len(p)-1]
	return int(binary.BigEndian.Uint32(p[12:head])) == len(path) && w.armed(string(path))
}
