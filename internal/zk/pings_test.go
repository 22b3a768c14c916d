package zk_test

import (
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

// TestOnePingAtATime: no ping is sent before the one before it was answered, so that it is known which was.
func TestOnePingAtATime(t *testing.T) {
	pong := wire.ReplyHeader{Xid: wire.XidPing}.Append(nil)
	var asked time.Time
	server := func(p *peer) {
		if !p.accept() {
			return
		}
		p.any()
		asked = time.Now()
		time.Sleep(2500 * time.Millisecond)
		p.send(pong)
		if request, _ := p.any(); request.Opcode != wire.OpCloseSession {
			p.t.Errorf("%v was sent meanwhile", request.Opcode)
		}
		p.reply(0)
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		time.Sleep(3700 * time.Millisecond) // the first was answered, the second one was not sent yet
		if confirmed := s.Confirmed(); !confirmed.Equal(asked) {
			t.Errorf("confirmed %v after the ping", confirmed.Sub(asked))
		}
	})
}

// TestExpiredReply: a server that says so in a reply is asked again at once.
func TestExpiredReply(t *testing.T) {
	server := func(p *peer) {
		if p.number == 1 {
			p.accept()
			p.next()
			p.reply(zk.ErrSessionExpired)
			p.drain()
			return
		}
		request, ok := p.asked()
		if !ok {
			return
		}
		if request.SessionID != 0 {
			p.send(wire.ConnectResponse{Password: make([]byte, 16)}.Append(nil))
			return
		}
		p.send(connected(fakeID + 1))
		p.serve()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		_, err := s.Call(t.Context(), zk.Get{Path: "/a"})
		wantRefused(t, err, zk.ErrSessionExpired)
		select {
		case <-s.Lost():
		case <-time.After(time.Second):
			t.Error("the session is not lost")
		}
	})
}

// TestConfirmedIsWhenItWasSent: a late answer says that the session lived when the request was sent, and no more.
func TestConfirmedIsWhenItWasSent(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		p.next()
		time.Sleep(2 * time.Second)
		p.reply(zk.ErrNoNode)
		p.drain()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		sent := time.Now()
		_, err := s.Call(t.Context(), zk.Get{Path: "/a"})
		wantRefused(t, err, zk.ErrNoNode)
		if confirmed := s.Confirmed(); !confirmed.Equal(sent) {
			t.Errorf("confirmed %v after the request", confirmed.Sub(sent))
		}
	})
}
