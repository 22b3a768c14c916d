package zk_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

// authReply is what a server answers to credentials.
func authReply(code zk.Code) []byte {
	return wire.ReplyHeader{Xid: wire.XidAuth, Err: int32(code)}.Append(nil)
}

var digest = []zk.Auth{{Scheme: "digest", Credentials: []byte("user:password")}}

// TestHangsInTheHandshake: a server that stops at any byte of it costs a sixth of the session timeout, and the
// session that it may have opened is not left behind.
func TestHangsInTheHandshake(t *testing.T) {
	said := concat(wire.AppendInt(nil, int32(len(connected(1)))), connected(1), wire.AppendInt(nil, 16), authReply(0))
	for cut := range said {
		hangs := func(p *peer) {
			p.asked()
			p.conn.Write(said[:min(cut, 4+len(connected(1)))])
			if cut > 4+len(connected(1)) {
				p.next()
				p.conn.Write(said[4+len(connected(1)) : cut])
			}
			p.drain()
		}
		works := func(p *peer) {
			p.accept()
			p.next()
			p.send(authReply(0))
			p.serve()
		}
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t, hangs)
			f.servers["fake:2"] = works
			client, err := zk.Connect(zk.Config{Servers: zk.Hosts{"fake:1", "fake:2"}, Dial: f.dial, SessionTimeout: 6 * time.Second, Auth: digest})
			if err != nil {
				t.Fatal(err)
			}
			defer f.shut()
			defer client.Close()
			begun := time.Now()
			session(t, client)
			if took := time.Since(begun); took != 0 && took != time.Second {
				t.Errorf("cut at %d: it took %v", cut, took)
			}
		})
	}
}

// TestHangsUpInTheHandshake: a server that hangs up at any byte of it is tried again, after a pause.
func TestHangsUpInTheHandshake(t *testing.T) {
	said := connected(fakeID)
	server := func(p *peer) {
		if p.number < len(said) {
			p.asked()
			p.conn.Write(concat(wire.AppendInt(nil, int32(len(said))), said[:p.number]))
			return
		}
		p.accept()
		p.serve()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		begun := time.Now()
		session(t, client)
		if n := f.dialled("fake:1"); n != len(said) {
			t.Errorf("%d connections, want %d", n, len(said))
		}
		if took := time.Since(begun); took < 10*time.Second || took > 60*time.Second {
			t.Errorf("%v of pauses", took)
		}
	})
}

// TestNonsenseInTheHandshake: the error says that this is no ZooKeeper.
func TestNonsenseInTheHandshake(t *testing.T) {
	for name, said := range map[string][]byte{
		"HTTP":        []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"TLS":         {0x15, 3, 1, 0, 2, 2, 70},
		"Negative":    wire.AppendInt(nil, -1),
		"TooShort":    concat(wire.AppendInt(nil, 7), make([]byte, 7)),
		"BadPassword": concat(wire.AppendInt(nil, 20), wire.AppendInt(nil, 0), wire.AppendInt(nil, 6000), longs(7), wire.AppendInt(nil, 99)),
	} {
		t.Run(name, func(t *testing.T) {
			server := func(p *peer) {
				p.asked()
				p.conn.Write(said)
				p.drain()
			}
			bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				_, err := client.Session(ctx)
				wantOutcome(t, err, zk.NotSent, context.DeadlineExceeded)
				if !strings.Contains(err.Error(), "fake:1: the server does not speak ZooKeeper's protocol") {
					t.Error(err)
				}
			})
		})
	}
}

// TestOtherSession: a server that resumes another session than it was asked for is not believed.
func TestOtherSession(t *testing.T) {
	server := func(p *peer) {
		switch p.number {
		case 1:
			p.accept()
		case 2:
			p.asked()
			p.send(connected(99))
			p.drain()
		default:
			p.accept()
			p.serve()
		}
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		_, err := s.Call(t.Context(), zk.Get{Path: "/a"})
		for outcome(err) == zk.Unknown {
			_, err = s.Call(t.Context(), zk.Get{Path: "/a"})
		}
		wantRefused(t, err, zk.ErrUnimplemented)
		if n := f.dialled("fake:1"); n != 3 || s.ID() != fakeID {
			t.Errorf("%d connections, session %#x", n, s.ID())
		}
	})
}

// TestRefusedCredentials: nothing is asked before they are accepted, on no connection; the owner hears what the server
// said; and the attempts share one session.
func TestRefusedCredentials(t *testing.T) {
	var mu sync.Mutex
	var sessions []int64
	server := func(p *peer) {
		request, ok := p.asked()
		if !ok {
			return
		}
		mu.Lock()
		sessions = append(sessions, request.SessionID)
		mu.Unlock()
		p.send(connected(fakeID))
		auth, ok := p.next()
		if !ok {
			return
		}
		want := wire.AppendString(wire.AppendInt(wire.RequestHeader{Xid: wire.XidAuth, Opcode: wire.OpAuth}.Append(nil), 0), "digest")
		if !bytes.Equal(auth.body, wire.AppendBuffer(want, digest[0].Credentials)) {
			p.t.Errorf("asked %q before the credentials", auth.body)
		}
		if p.number < 4 {
			p.send(authReply(zk.ErrAuthFailed))
			if request, ok := p.next(); ok {
				p.t.Errorf("%v after the credentials were refused", request.Opcode)
			}
			return
		}
		p.send(authReply(0))
		p.serve()
	}
	told := make(chan zk.Event, 10)
	bubble(t, server, zk.Config{Auth: digest, OnEvent: func(e zk.Event) { told <- e }}, func(t *testing.T, _ *fake, client *zk.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := client.Session(ctx)
		wantOutcome(t, err, zk.NotSent, zk.ErrAuthFailed)
		if !strings.Contains(err.Error(), "digest") || strings.Contains(err.Error(), "password") {
			t.Error(err)
		}
		s := admitted(t, client)
		for range 3 {
			if e := <-told; e.Kind != zk.AuthFailed || !errors.Is(e.Err, zk.ErrAuthFailed) {
				t.Errorf("event %+v", e)
			}
		}
		if e := <-told; e.Kind != zk.Connected || e.Session != s {
			t.Errorf("event %+v", e)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(sessions) != 4 || sessions[0] != 0 || sessions[1] != fakeID || sessions[3] != fakeID {
			t.Errorf("sessions %#x", sessions)
		}
	})
}

// admitted asks for a session in fake time until the server lets the client in.
func admitted(t *testing.T, client *zk.Client) *zk.Session {
	t.Helper()
	s, err := client.Session(t.Context())
	for errors.Is(err, zk.ErrAuthRefused) {
		time.Sleep(time.Millisecond)
		s, err = client.Session(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mechanism answers each challenge with itself and "!", and is done with "done".
type mechanism struct{ calls int }

func (m *mechanism) Next(challenge []byte) ([]byte, bool, error) {
	m.calls++
	switch {
	case (challenge == nil) != (m.calls == 1):
		return nil, false, errors.New("a nil challenge that is not the first")
	case string(challenge) == "done":
		return nil, true, nil
	case string(challenge) == "bad":
		return nil, false, errors.New("the server is an impostor")
	case challenge == nil:
		return nil, false, nil
	}
	return append(challenge, '!'), false, nil
}

// TestSASLExchange: the exchange comes first, goes on until the mechanism is done, and fails closed.
func TestSASLExchange(t *testing.T) {
	// Each connection says these challenges, nil for null, and then refuses.
	challenges := [][][]byte{{[]byte("a"), []byte("bad")}, {nil}, {}, {[]byte("x"), []byte("y"), []byte("done")}}
	server := func(p *peer) {
		p.accept()
		said := challenges[min(p.number, len(challenges))-1]
		want := []byte{}
		for _, challenge := range said {
			request, ok := p.next()
			if !ok || request.Opcode != wire.OpSASL || !bytes.Equal(request.body[8:], wire.AppendBuffer(nil, want)) {
				p.t.Errorf("asked %v %q, want %q", request.Opcode, request.body, want)
				return
			}
			p.reply(0, wire.AppendBuffer(nil, challenge)...)
			want = append(bytes.Clone(challenge), '!')
		}
		request, ok := p.next()
		switch {
		case !ok:
		case request.Opcode == wire.OpSASL:
			p.reply(zk.ErrAuthFailed)
			p.drain()
		case p.number < len(challenges):
			p.t.Errorf("%v without authentication", request.Opcode)
		default:
			p.reply(0, statBytes()...)
			p.serve()
		}
	}
	var hosts []string
	cfg := zk.Config{SASL: func(host string) (zk.Mechanism, error) {
		hosts = append(hosts, host)
		return new(mechanism), nil
	}}
	told := make(chan zk.Event, 10)
	cfg.OnEvent = func(e zk.Event) { told <- e }
	bubble(t, server, cfg, func(t *testing.T, _ *fake, client *zk.Client) {
		s := admitted(t, client)
		if _, err := s.Call(t.Context(), zk.Set{Path: "/a"}); err != nil {
			t.Error(err)
		}
		for _, want := range []string{"impostor", "authentication failed", "authentication failed"} {
			if e := <-told; e.Kind != zk.AuthFailed || !strings.Contains(e.Err.Error(), want) {
				t.Errorf("event %+v, want %q", e, want)
			}
		}
		if len(hosts) != 4 || hosts[0] != "fake" {
			t.Errorf("hosts %q", hosts)
		}
	})
}
