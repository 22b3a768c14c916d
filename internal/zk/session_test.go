package zk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// kill ends the session that was seen last by a proxy, as the server sees it.
func kill(t *testing.T, server *zkserver.Server, net *netfault.Proxy) {
	t.Helper()
	victim, ok := net.LastSession()
	if !ok {
		t.Fatal("no session was seen")
	}
	if err := zkserver.KillSession(testContext(t), server.Addr(), victim.ID, victim.Password); err != nil {
		t.Fatal(err)
	}
}

// TestExpiry: the owner is told, the old session's calls fail as not sent, and a new session begins by itself.
func TestExpiry(t *testing.T) {
	server, net := proxied(t)
	told := newEvents(t)
	client, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}, OnEvent: told.add})
	told.next(zk.Connected)
	must(t, s, zk.Create{Path: "/e", ACL: open, Mode: zk.Ephemeral})
	if s.Err() != nil || s.Timeout() != 4*time.Second {
		t.Errorf("a session with %v, timeout %v", s.Err(), s.Timeout())
	}
	kill(t, server, net)
	if e := told.until(zk.SessionLost); e.Session != s || !errors.Is(e.Err, zk.ErrSessionLost) {
		t.Errorf("event %+v", e)
	}
	<-s.Lost()
	_, err := s.Call(testContext(t), zk.Get{Path: "/"})
	wantOutcome(t, err, zk.NotSent, zk.ErrSessionLost)
	next, err := client.Session(testContext(t))
	if err != nil || next == s || next.ID() == s.ID() {
		t.Fatalf("session %v, %v", next, err)
	}
	if e := told.next(zk.Connected); e.Session != next {
		t.Errorf("event %+v", e)
	}
	_, err = next.Call(testContext(t), zk.Exists{Path: "/e"})
	wantRefused(t, err, zk.ErrNoNode)
}

// TestQueuedRequestDiesWithItsSession: what waits for a connection is not sent in the session after.
func TestQueuedRequestDiesWithItsSession(t *testing.T) {
	server, net := proxied(t)
	_, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}})
	net.SetMode(netfault.Refuse)
	kill(t, server, net)
	outcome := make(chan error)
	go func() {
		_, err := s.Call(context.Background(), zk.Create{Path: "/late", ACL: open})
		outcome <- err
	}()
	net.SetMode(netfault.Pass)
	wantOutcome(t, <-outcome, zk.NotSent, zk.ErrSessionLost)
	_, direct := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}})
	_, err := direct.Call(testContext(t), zk.Exists{Path: "/late"})
	wantRefused(t, err, zk.ErrNoNode)
}

// TestReconnect: a session survives its connections, and a call waits for the next one.
func TestReconnect(t *testing.T) {
	_, net := proxied(t)
	client, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}})
	must(t, s, zk.Create{Path: "/e", ACL: open, Mode: zk.Ephemeral})
	for range 20 {
		before := s.Confirmed()
		net.Cut()
		for {
			reply, err := s.Call(testContext(t), zk.Get{Path: "/e"})
			if err == nil {
				if reply.Stat.EphemeralOwner != s.ID() {
					t.Errorf("reply %+v", reply)
				}
				break
			}
			wantOutcome(t, err, zk.Unknown, zk.ErrDisconnected)
		}
		if !s.Confirmed().After(before) {
			t.Errorf("confirmed %v, before %v", s.Confirmed(), before)
		}
	}
	if err := client.Err(); err != nil || s.Err() != nil {
		t.Errorf("connected, with %v and %v", err, s.Err())
	}
}

// TestOutcomes: no call returns without saying what became of it.
func TestOutcomes(t *testing.T) {
	_, net := proxied(t)
	client, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}, MaxRequest: 5000, MaxReply: 3000})
	must(t, s, zk.Create{Path: "/n", ACL: open})
	t.Run("EndedBefore", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Call(ctx, zk.Get{Path: "/n"})
		wantOutcome(t, err, zk.NotSent, context.Canceled)
	})
	t.Run("LostReply", func(t *testing.T) {
		dropped := net.DropReply(wire.Opcode.Writes)
		_, err := s.Call(testContext(t), zk.Set{Path: "/n", Version: 0})
		wantOutcome(t, err, zk.Unknown, zk.ErrDisconnected)
		<-dropped
		if version := must(t, s, zk.Exists{Path: "/n"}).Stat.Version; version != 1 {
			t.Errorf("version %d: what was unknown had been done", version)
		}
	})
	t.Run("EndedAfter", func(t *testing.T) {
		net.SetMode(netfault.Hold)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		replies, err := s.Do(ctx, zk.Set{Path: "/n", Version: 1}, zk.Get{Path: "/n"})
		wantOutcome(t, err, zk.Unknown, context.DeadlineExceeded)
		wantOutcome(t, replies[1].Err, zk.Unknown, context.DeadlineExceeded)
		net.SetMode(netfault.Pass)
		// The late replies find their places, and the next one its caller.
		if got := must(t, s, zk.Get{Path: "/n"}); got.Stat.Version != 2 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("Unreachable", func(t *testing.T) {
		net.SetMode(netfault.Refuse)
		defer net.SetMode(netfault.Pass)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Call(ctx, zk.Get{Path: "/n"})
		for errors.Is(err, zk.ErrDisconnected) {
			_, err = s.Call(ctx, zk.Get{Path: "/n"})
		}
		wantOutcome(t, err, zk.NotSent, context.DeadlineExceeded)
		wantOutcome(t, err, zk.NotSent, zk.ErrUnreachable)
		if !errors.Is(client.Err(), zk.ErrUnreachable) || !strings.Contains(err.Error(), net.Addr()) {
			t.Errorf("no server named: %v; %v", err, client.Err())
		}
	})
	t.Run("RequestTooLarge", func(t *testing.T) {
		before := must(t, s, zk.Exists{Path: "/n"})
		replies, err := s.Do(testContext(t), zk.Delete{Path: "/n"}, zk.Set{Path: "/n", Data: make([]byte, 5000), Version: -1})
		wantOutcome(t, err, zk.NotSent, zk.ErrTooLarge)
		wantOutcome(t, replies[1].Err, zk.NotSent, zk.ErrTooLarge)
		if after := must(t, s, zk.Exists{Path: "/n"}); after.Conn != before.Conn || after.Stat != before.Stat {
			t.Errorf("%+v, before %+v", after, before)
		}
	})
	t.Run("ReplyTooLarge", func(t *testing.T) {
		set := must(t, s, zk.Set{Path: "/n", Data: make([]byte, 4000), Version: -1})
		replies, err := s.Do(testContext(t), zk.Get{Path: "/n"}, zk.Exists{Path: "/n"})
		wantOutcome(t, err, zk.Unknown, zk.ErrTooLarge)
		var size *zk.SizeError
		if !errors.As(err, &size) || size.Size < 4000 || size.Limit != 3000 {
			t.Errorf("error %v", err)
		}
		if replies[1].Err != nil || replies[1].Conn != set.Conn {
			t.Errorf("after it %+v", replies[1])
		}
	})
}

// TestClose: the session ends with the client, and its ephemeral nodes at once.
func TestClose(t *testing.T) {
	server := zkserver.Standalone(t)
	told := newEvents(t)
	client, s := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}, OnEvent: told.add})
	_, other := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}})
	told.next(zk.Connected)
	must(t, s, zk.Create{Path: "/e", ACL: open, Mode: zk.Ephemeral})
	client.Close()
	client.Close()
	_, err := other.Call(testContext(t), zk.Exists{Path: "/e"})
	wantRefused(t, err, zk.ErrNoNode)
	_, err = s.Call(testContext(t), zk.Get{Path: "/"})
	wantOutcome(t, err, zk.NotSent, zk.ErrClosed)
	_, err = client.Session(testContext(t))
	wantOutcome(t, err, zk.NotSent, zk.ErrClosed)
	if <-s.Lost(); !errors.Is(s.Err(), zk.ErrClosed) || !errors.Is(client.Err(), zk.ErrClosed) {
		t.Errorf("closed, with %v and %v", s.Err(), client.Err())
	}
	told.none()
}

// TestCloseWhileCutOff: Close comes back to end the session if that is possible within its bound.
func TestCloseWhileCutOff(t *testing.T) {
	server, net := proxied(t)
	_, other := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}})
	t.Run("Briefly", func(t *testing.T) {
		client, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}})
		must(t, s, zk.Create{Path: "/e", ACL: open, Mode: zk.Ephemeral})
		net.Cut()
		client.Close()
		_, err := other.Call(testContext(t), zk.Exists{Path: "/e"})
		wantRefused(t, err, zk.ErrNoNode)
	})
	for name, mode := range map[string]netfault.Mode{"Refused": netfault.Refuse, "Blackholed": netfault.Blackhole} {
		t.Run(name, func(t *testing.T) {
			client, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}})
			net.SetMode(mode)
			defer net.SetMode(netfault.Pass)
			outcome := make(chan error)
			go func() {
				_, err := s.Call(context.Background(), zk.Get{Path: "/"})
				outcome <- err
			}()
			begun := time.Now()
			client.Close()
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("Close took %v", took)
			}
			var e *zk.Error
			if err := <-outcome; !errors.As(err, &e) || e.Outcome == zk.Refused {
				t.Error(err)
			}
		})
	}
	t.Run("Never connected", func(t *testing.T) {
		client := start(t, zk.Config{Servers: zk.Hosts{"127.0.0.1:1"}})
		client.Close()
	})
}
