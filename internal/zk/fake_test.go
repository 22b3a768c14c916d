package zk_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

// fake is a network of servers that say byte by byte what a test wants. Connections are in memory, so that
// their time is testing/synctest's.
type fake struct {
	t       *testing.T
	servers map[string]func(*peer) // by address; called for each connection, which ends when it returns
	tasks   sync.WaitGroup

	mu    sync.Mutex // guards servers and all below
	dials map[string]int
	open  []net.Conn
}

func newFake(t *testing.T, server func(*peer)) *fake {
	return &fake{t: t, servers: map[string]func(*peer){"fake:1": server}, dials: map[string]int{}}
}

func (f *fake) dial(_ context.Context, _, address string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	f.mu.Lock()
	f.dials[address]++
	f.open = append(f.open, ours)
	number := f.dials[address]
	f.mu.Unlock()
	f.tasks.Go(func() {
		defer ours.Close()
		f.server(address)(&peer{t: f.t, conn: ours, in: bufio.NewReader(ours), number: number})
	})
	return theirs, nil
}

func (f *fake) dialled(address string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dials[address]
}

func (f *fake) server(address string) func(*peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.servers[address]
}

// replace makes later connections those of another server.
func (f *fake) replace(server func(*peer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers["fake:1"] = server
}

// cut ends all connections.
func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, conn := range f.open {
		conn.Close()
	}
}

// shut ends all servers.
func (f *fake) shut() {
	f.cut()
	f.tasks.Wait()
}

// bubble runs a test against fake servers in time that passes when everybody waits.
func bubble(t *testing.T, server func(*peer), cfg zk.Config, test func(t *testing.T, f *fake, client *zk.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, server)
		cfg.Dial = f.dial
		if cfg.Servers == nil {
			cfg.Servers = zk.Hosts{"fake:1"}
		}
		if cfg.SessionTimeout == 0 {
			cfg.SessionTimeout = 6 * time.Second
		}
		client, err := zk.Connect(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer f.shut()
		defer client.Close()
		test(t, f, client)
	})
}

// peer is a server's side of one connection. Its methods return zero values where the client has hung up.
type peer struct {
	t      *testing.T
	conn   net.Conn
	in     *bufio.Reader
	number int // of the connections to this server
	last   request
}

type request struct {
	wire.RequestHeader
	body []byte
}

const (
	fakeID      = 0x1234
	fakeTimeout = 6000
)

var fakePassword = []byte("0123456789abcdef")

// connected is what a server answers to the request for a session.
func connected(id int64) []byte {
	return wire.ConnectResponse{TimeoutMS: fakeTimeout, SessionID: id, Password: fakePassword}.Append(nil)
}

// asked reads the request for a session.
func (p *peer) asked() (request wire.ConnectRequest, ok bool) {
	frame, err := wire.ReadFrame(p.in, 1<<20)
	if err != nil {
		return request, false
	}
	d := wire.NewDecoder(frame[wire.HeadSize:])
	request.Decode(&d)
	if d.Err() != nil {
		p.t.Errorf("a request for a session: %v", d.Err())
	}
	return request, true
}

// accept opens a session, or resumes the one that is asked for.
func (p *peer) accept() bool {
	request, ok := p.asked()
	if !ok {
		return false
	}
	if request.SessionID == 0 {
		request.SessionID = fakeID
	}
	return p.send(connected(request.SessionID))
}

// any reads a request or a ping.
func (p *peer) any() (request, bool) {
	frame, err := wire.ReadFrame(p.in, 1<<20)
	if err != nil {
		return request{}, false
	}
	d := wire.NewDecoder(frame[wire.HeadSize:])
	p.last = request{body: frame[wire.HeadSize:]}
	p.last.Decode(&d)
	if d.Err() != nil {
		p.t.Errorf("a request: %v", d.Err())
	}
	return p.last, true
}

// next reads a request; pings are answered.
func (p *peer) next() (request, bool) {
	for {
		request, ok := p.any()
		if !ok || request.Opcode != wire.OpPing {
			return request, ok
		}
		p.send(wire.ReplyHeader{Xid: wire.XidPing}.Append(nil))
	}
}

// send writes a frame.
func (p *peer) send(body []byte) bool { return wire.WriteFrame(p.conn, body) == nil }

// reply answers the last request.
func (p *peer) reply(code zk.Code, body ...byte) bool {
	header := wire.ReplyHeader{Xid: p.last.Xid, Zxid: 100, Err: int32(code)}
	return p.send(append(header.Append(nil), body...))
}

// serve answers the requests that are left: closing the session, and all others with an error.
func (p *peer) serve() {
	for {
		request, ok := p.next()
		switch {
		case !ok:
			return
		case request.Opcode == wire.OpCloseSession:
			p.reply(0)
			return
		default:
			p.reply(zk.ErrUnimplemented)
		}
	}
}

// drain waits until the client hangs up.
func (p *peer) drain() { io.Copy(io.Discard, p.in) }

// statBytes is a record of a Stat.
func statBytes() []byte { return make([]byte, 68) }

// session returns the client's, from within a bubble.
func session(t *testing.T, client *zk.Client) *zk.Session {
	t.Helper()
	s, err := client.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func outcome(err error) zk.Outcome {
	var e *zk.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Outcome
}
