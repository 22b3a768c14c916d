package netfault

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within bounds what a test waits for.
const within = 2 * time.Second

// fake is a server that speaks just enough of the protocol: it grants a session,
// answers every request with its xid, and sends a watch event before the reply
// to wire.OpSetData.
type fake struct {
	ln    net.Listener
	tasks sync.WaitGroup

	mu    sync.Mutex // guards all below
	conns []net.Conn
	seen  []wire.Opcode
}

func startFake(t *testing.T) *fake {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{ln: ln}
	f.tasks.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns = append(f.conns, conn)
			f.mu.Unlock()
			f.tasks.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		f.mu.Lock()
		for _, conn := range f.conns {
			conn.Close()
		}
		f.mu.Unlock()
		f.tasks.Wait()
	})
	return f
}

var password = []byte("0123456789abcdef")

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if _, err := readFrame(in); err != nil {
		return
	}
	granted := int32s(0, 4000, 0x0100, 7, int32(len(password)))
	wire.WriteFrame(conn, append(append(granted, password...), 0))
	for {
		body, err := readFrame(in)
		if err != nil {
			return
		}
		header, _ := parseRequest(body)
		f.mu.Lock()
		f.seen = append(f.seen, header.Opcode)
		f.mu.Unlock()
		if header.Opcode == wire.OpSetData {
			wire.WriteFrame(conn, int32s(wire.XidEvent, 0, 0, 0))
		}
		wire.WriteFrame(conn, int32s(header.Xid, 0, 1, 0))
	}
}

func (f *fake) saw(opcode wire.Opcode) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.seen, opcode)
}

// client is the other end, with a deadline on everything.
type client struct {
	t *testing.T
	net.Conn
	in  *bufio.Reader // of Conn
	xid int32
}

func dial(t *testing.T, p *Proxy) *client {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(within))
	return &client{t: t, Conn: conn, in: bufio.NewReader(conn)}
}

// connect dials and gets a session.
func connect(t *testing.T, p *Proxy) *client {
	t.Helper()
	c := dial(t, p)
	wire.WriteFrame(c, make([]byte, 44))
	if _, err := readFrame(c.in); err != nil {
		t.Fatalf("connect: %v", err)
	}
	return c
}

func (c *client) send(opcode wire.Opcode) int32 {
	c.xid++
	wire.WriteFrame(c, int32s(c.xid, int32(opcode)))
	return c.xid
}

// call sends a request and returns the xids of all that came up to its reply.
func (c *client) call(opcode wire.Opcode) ([]int32, error) {
	xid := c.send(opcode)
	var got []int32
	for {
		body, err := readFrame(c.in)
		if err != nil {
			return got, err
		}
		header, _ := parseReply(body)
		got = append(got, header.Xid)
		if got[len(got)-1] == xid {
			return got, nil
		}
	}
}

func (c *client) mustCall(opcode wire.Opcode) []int32 {
	c.t.Helper()
	got, err := c.call(opcode)
	if err != nil {
		c.t.Fatalf("%v: %v", opcode, err)
	}
	return got
}

// mustBeCut waits for the end of the connection.
func (c *client) mustBeCut() {
	c.t.Helper()
	if _, err := io.Copy(io.Discard, c.in); isTimeout(err) {
		c.t.Fatal("the connection is still open")
	}
}

// mustHang fails if anything but silence comes.
func (c *client) mustHang() {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	defer c.SetReadDeadline(time.Now().Add(within))
	if n, err := c.in.Read(make([]byte, 1)); !isTimeout(err) {
		c.t.Fatalf("read %d bytes, %v; want silence", n, err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// readFrame returns the body of a frame.
func readFrame(r *bufio.Reader) ([]byte, error) {
	frame, err := wire.ReadFrame(r, maxFrame)
	if err != nil {
		return nil, err
	}
	return frame[wire.HeadSize:], nil
}

func int32s(values ...int32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// eventually polls a condition that nothing announces.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(time.Millisecond)
	}
}

func startProxy(t *testing.T, target string) *Proxy {
	t.Helper()
	p, err := New(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if n := p.Connections(); n != 0 {
			t.Errorf("%d connections open after Close", n)
		}
	})
	return p
}

// setUp is a proxy before a fake server.
func setUp(t *testing.T) (*fake, *Proxy) {
	t.Helper()
	f := startFake(t)
	return f, startProxy(t, f.ln.Addr().String())
}
