package zk_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

// behind is a server that hangs up on who has seen more than it has, as ZooKeeper's do, and counts sessions.
type behind struct {
	zxid           atomic.Int64
	opened, closed atomic.Int64
}

func (b *behind) serve(p *peer) {
	request, ok := p.asked()
	if !ok || request.LastZxid > b.zxid.Load() {
		return
	}
	if request.SessionID == 0 {
		request.SessionID = fakeID + b.opened.Add(1)
	}
	p.send(connected(request.SessionID))
	b.answer(p)
}

// answer says how far the server is.
func (b *behind) answer(p *peer) {
	for {
		request, ok := p.any()
		if !ok {
			return
		}
		if request.Opcode == wire.OpCloseSession {
			b.closed.Add(1)
		}
		p.send(wire.ReplyHeader{Xid: request.Xid, Zxid: b.zxid.Load()}.Append(nil))
	}
}

// TestServersCatchUp: a session is not given up because the servers were behind for long, if they are not any more when
// that is looked into; the session that it took to find out is closed.
func TestServersCatchUp(t *testing.T) {
	var server behind
	server.zxid.Store(100)
	var lost atomic.Int64
	cfg := zk.Config{OnEvent: func(e zk.Event) {
		if e.Kind == zk.SessionLost || e.Kind == zk.HistoryReplaced {
			lost.Add(1)
		}
	}}
	bubble(t, func(p *peer) { server.serve(p) }, cfg, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		if _, err := s.Call(t.Context(), zk.Delete{Path: "/a"}); err != nil {
			t.Fatal(err)
		}
		server.zxid.Store(50)
		f.cut()
		time.Sleep(5 * time.Second)
		if client.Err() == nil {
			t.Error("a server that is behind was used")
		}
		// It goes forward between hanging up and being looked into.
		f.replace(func(p *peer) {
			if server.zxid.Load() == 100 {
				server.serve(p)
				return
			}
			if request, ok := p.asked(); !ok || request.LastZxid > 0 {
				return
			}
			server.zxid.Store(100)
			server.opened.Add(1)
			p.send(connected(99))
			server.answer(p)
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if client.Err() != nil || s.Err() != nil || lost.Load() != 0 {
			t.Errorf("connected: %v; session: %v; %d events of a loss", client.Err(), s.Err(), lost.Load())
		}
		if server.opened.Load() != 2 || server.closed.Load() != 1 {
			t.Errorf("%d sessions were opened, %d closed", server.opened.Load(), server.closed.Load())
		}
	})
}

// TestHistoryIsOlder: where the servers stay behind, the client begins anew after a session timeout, once.
func TestHistoryIsOlder(t *testing.T) {
	var server behind
	server.zxid.Store(100)
	var replaced, lost atomic.Int64
	cfg := zk.Config{OnEvent: func(e zk.Event) {
		switch e.Kind {
		case zk.HistoryReplaced:
			replaced.Add(1)
		case zk.SessionLost:
			lost.Add(1)
		}
	}}
	bubble(t, func(p *peer) { server.serve(p) }, cfg, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		if _, err := s.Call(t.Context(), zk.Delete{Path: "/a"}); err != nil {
			t.Fatal(err)
		}
		server.zxid.Store(50)
		f.cut()
		time.Sleep(6 * time.Second)
		if s.Err() != nil {
			t.Error("the session was given up within its timeout")
		}
		<-s.Lost()
		wantCause(t, s.Err(), zk.ErrHistoryReplaced)
		next := session(t, client)
		for range 3 {
			f.cut()
			time.Sleep(time.Second)
		}
		if got := session(t, client); got != next || replaced.Load() != 1 || lost.Load() != 1 {
			t.Errorf("session %#x after %#x; told %d and %d times", got.ID(), next.ID(), replaced.Load(), lost.Load())
		}
	})
}
