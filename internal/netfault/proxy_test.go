package netfault

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

func TestPass(t *testing.T) {
	f, p := setUp(t)
	c := connect(t, p)
	for range 3 {
		c.mustCall(wire.OpGetData)
	}
	c.mustCall(wire.OpSetData)
	if got := p.Requests(wire.OpGetData); got != 3 {
		t.Errorf("counted %d reads, want 3", got)
	}
	if !f.saw(wire.OpSetData) || p.Connections() != 1 || p.Accepted() != 1 {
		t.Errorf("write arrived %t, %d connections, %d accepted", f.saw(wire.OpSetData), p.Connections(), p.Accepted())
	}
	c.Close()
	eventually(t, "the closed connection is forgotten", func() bool { return p.Connections() == 0 })
}

func TestSessions(t *testing.T) {
	_, p := setUp(t)
	if _, ok := p.LastSession(); ok {
		t.Fatal("a session before any connection")
	}
	connect(t, p)
	connect(t, p) // the fake grants the same again
	got, ok := p.LastSession()
	if !ok || got.ID != 0x0100_0000_0007 || got.Timeout != 4*time.Second || !bytes.Equal(got.Password, password) {
		t.Errorf("session %+v, %t", got, ok)
	}
	if all := p.Sessions(); len(all) != 1 {
		t.Errorf("%d sessions, want 1", len(all))
	}
}

func TestRefuse(t *testing.T) {
	_, p := setUp(t)
	c := connect(t, p)
	p.SetMode(Refuse)
	c.mustBeCut()
	dial(t, p).mustBeCut()
	p.SetMode(Pass)
	connect(t, p).mustCall(wire.OpGetData)
}

func TestCut(t *testing.T) {
	_, p := setUp(t)
	c := connect(t, p)
	p.Cut()
	c.mustBeCut()
	connect(t, p).mustCall(wire.OpGetData)
}

func TestBlackhole(t *testing.T) {
	f, p := setUp(t)
	idle, busy := connect(t, p), connect(t, p)
	p.SetMode(Blackhole)
	busy.send(wire.OpSetData)
	busy.mustHang()
	late := dial(t, p)
	wire.WriteFrame(late, make([]byte, 44))
	late.mustHang()

	p.SetMode(Pass)
	busy.mustBeCut() // it lost a request
	late.mustBeCut()
	idle.mustCall(wire.OpGetData) // it lost nothing
	if f.saw(wire.OpSetData) || p.Requests(wire.OpSetData) != 0 {
		t.Error("a swallowed request arrived or was counted")
	}
}

func TestBlackholeHidesClose(t *testing.T) {
	_, p := setUp(t)
	c := connect(t, p)
	p.SetMode(Blackhole)
	c.Close()
	hung := dial(t, p)
	hung.Close()
	eventually(t, "only the link to the server is left", func() bool { return p.Accepted() == 2 && p.Connections() == 1 })
	p.SetMode(Pass)
	eventually(t, "the close has crossed", func() bool { return p.Connections() == 0 })
}

func TestHoldDeliversLate(t *testing.T) {
	f, p := setUp(t)
	c := connect(t, p)
	p.SetMode(Hold)
	c.send(wire.OpSetData)
	c.mustHang()
	c.Close()
	if f.saw(wire.OpSetData) {
		t.Fatal("the request crossed")
	}
	p.SetMode(Pass)
	eventually(t, "the request of a client that has gone arrives", func() bool { return f.saw(wire.OpSetData) })
}

func TestDelayIsLatencyOnly(t *testing.T) {
	_, p := setUp(t)
	c := connect(t, p)
	const each, n = 30 * time.Millisecond, 20
	p.Delay(each, each)
	start := time.Now()
	for range n {
		c.send(wire.OpGetData)
	}
	for range n {
		if _, err := readFrame(c.in); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 2*each || took > n*each {
		t.Errorf("%d pipelined requests took %v, want about %v", n, took, 2*each)
	}
}

func TestTargetDown(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	dial(t, startProxy(t, ln.Addr().String())).mustBeCut()
}

// TestRawTargetLate has the target listen after the client has connected.
func TestRawTargetLate(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := ln.Addr().String()
	ln.Close()
	p, err := NewRaw(target)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := dial(t, p)
	eventually(t, "the client is accepted", func() bool { return p.Accepted() == 1 })
	if ln, err = net.Listen("tcp", target); err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ln.(*net.TCPListener).SetDeadline(time.Now().Add(within))
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	c.mustBeCut()
}

// TestBytes sends what is not framed, through a proxy that looks for frames and
// through one that does not.
func TestBytes(t *testing.T) {
	for name, start := range map[string]func(string) (*Proxy, error){"New": New, "NewRaw": NewRaw} {
		t.Run(name, func(t *testing.T) {
			echo, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var server sync.WaitGroup
			defer server.Wait()
			defer echo.Close()
			server.Go(func() {
				conn, err := echo.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				io.Copy(conn, conn)
			})
			p, err := start(echo.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			c := dial(t, p)
			defer c.Close()
			sent := append([]byte("ruok"), bytes.Repeat([]byte{0, 0, 0, 1}, 50_000)...)
			server.Go(func() { c.Write(sent) })
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("equal %t, %v", bytes.Equal(got, sent), err)
			}
		})
	}
}

// TestCloseWhileStuck closes a proxy on which links hang in every way.
func TestCloseWhileStuck(t *testing.T) {
	for _, mode := range []Mode{Pass, Blackhole, Hold} {
		f := startFake(t)
		p, err := New(f.ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c := connect(t, p)
		p.Delay(time.Hour, time.Hour)
		p.SetMode(mode)
		c.send(wire.OpSetData)
		late := dial(t, p)
		eventually(t, "the late one is accepted", func() bool { return p.Accepted() == 2 })
		p.Close()
		c.mustBeCut()
		late.mustBeCut()
	}
}

func TestRedirect(t *testing.T) {
	message := func(addr string) []byte {
		b := int32s(-1, -65536, 0, 3, int32(len(addr)))
		return append(append(b, addr...), "more"...)
	}
	if got, want := redirect(message("127.0.0.1:3888"), "[::1]:9"), message("[::1]:9"); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, other := range [][]byte{nil, []byte("short"), message("127.0.0.1:3888")[:24], int32s(0, 3, 0, 0, 0)} {
		if got := redirect(other, "[::1]:9"); !bytes.Equal(got, other) {
			t.Errorf("%q became %q", other, got)
		}
	}
}
