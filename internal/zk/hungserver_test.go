package zk_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// hung accepts connections and says nothing.
func hung(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

// TestHungServer: one that hangs keeps nobody from the next one within the session timeout. What it costs exactly,
// TestHangsInTheHandshake and TestTwoHungServers say in fake time: on a busy machine the good server may be slow as well.
func TestHungServer(t *testing.T) {
	server := zkserver.Standalone(t)
	first, _ := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}}) // its first session takes a new server long
	first.Close()
	const timeout = 6 * time.Second
	for range 5 {
		begun := time.Now()
		client, _ := connect(t, zk.Config{Servers: zk.Hosts{hung(t), server.Addr()}, SessionTimeout: timeout})
		if took := time.Since(begun); took > timeout {
			t.Errorf("it took %v", took)
		}
		client.Close()
	}
}

// TestServerHangsUnderUs: the session is kept, because another server is found in time.
func TestServerHangsUnderUs(t *testing.T) {
	ensemble := zkserver.Ensemble(t, 3)
	first, second := proxy(t, ensemble.Servers[0].Addr()), proxy(t, ensemble.Servers[1].Addr())
	second.SetMode(netfault.Refuse)
	_, s := connect(t, zk.Config{Servers: zk.Hosts{first.Addr(), second.Addr(), hung(t)}, SessionTimeout: 8 * time.Second})
	second.SetMode(netfault.Pass)
	must(t, s, zk.Create{Path: "/e", ACL: open, Mode: zk.Ephemeral})
	first.SetMode(netfault.Blackhole)
	for {
		reply, err := s.Call(testContext(t), zk.Get{Path: "/e"})
		if err == nil {
			if reply.Conn != 2 || s.Err() != nil {
				t.Errorf("reply %+v, session %v", reply, s.Err())
			}
			return
		}
		if s.Err() != nil {
			t.Fatal(err)
		}
		wantOutcome(t, err, zk.Unknown, zk.ErrDisconnected)
	}
}

// TestSlowServer: one that needs half the session timeout to answer is reached, and no attempt leaves a session
// on it.
func TestSlowServer(t *testing.T) {
	server, slow := proxied(t)
	slow.Delay(time.Second, time.Second)
	client, s := connect(t, zk.Config{Servers: zk.Hosts{slow.Addr()}})
	slow.Delay(0, 0)
	if slow.Accepted() < 2 {
		t.Errorf("%d attempts: patience was not tried", slow.Accepted())
	}
	must(t, s, zk.Get{Path: "/"})
	client.Close()
	opened := slow.Sessions()
	if len(opened) < 2 {
		t.Errorf("%d sessions were opened: an abandoned attempt opens one", len(opened))
	}
	for _, left := range opened {
		err := zkserver.KillSession(testContext(t), server.Addr(), left.ID, left.Password)
		if err == nil {
			t.Errorf("session %#x was left behind", left.ID)
		}
	}
}

// TestWhyThereIsNoSession: the error names each server and what is wrong with it.
func TestWhyThereIsNoSession(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := ln.Addr().String()
	ln.Close()
	silent := hung(t)
	client := start(t, zk.Config{Servers: zk.Hosts{refusing, "no.such.host.invalid:2181", silent}, SessionTimeout: time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = client.Session(ctx)
	wantOutcome(t, err, zk.NotSent, context.DeadlineExceeded)
	wantOutcome(t, err, zk.NotSent, zk.ErrUnreachable)
	for _, want := range []string{refusing + ": dial tcp", "connection refused", "no.such.host.invalid:2181: ", "lookup", silent + ": no answer"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}

// TestHistoryReplaced: where every server is without what the client has seen, a new session begins at their
// history, and the owner is told.
func TestHistoryReplaced(t *testing.T) {
	old, fresh := zkserver.Standalone(t), zkserver.Standalone(t)
	dialer := new(switchable)
	dialer.to.Store(&[]string{old.Addr()}[0])
	told := newEvents(t)
	client, s := connect(t, zk.Config{Servers: zk.Hosts{"zookeeper:2181"}, SessionTimeout: 3 * time.Second, Dial: dialer.dial, OnEvent: told.add})
	told.next(zk.Connected)
	for range 20 {
		must(t, s, zk.Create{Path: "/n-", ACL: open, Mode: zk.PersistentSequential})
	}
	dialer.to.Store(&[]string{fresh.Addr()}[0])
	old.Stop()
	told.next(zk.Disconnected)
	if e := told.next(zk.HistoryReplaced); e.Session != s {
		t.Errorf("event %+v", e)
	}
	if e := told.next(zk.SessionLost); e.Session != s {
		t.Errorf("event %+v", e)
	}
	told.next(zk.Connected)
	wantCause(t, s.Err(), zk.ErrHistoryReplaced)
	next, err := client.Session(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = next.Call(testContext(t), zk.Exists{Path: "/n-0000000000"})
	wantRefused(t, err, zk.ErrNoNode)
	// From here on it is the history: the session outlives its connections again.
	dialer.cut()
	told.next(zk.Disconnected)
	if e := told.next(zk.Connected); e.Session != next {
		t.Errorf("event %+v", e)
	}
}

// TestLaggingServerIsLeft: a server without what the client has seen is not used, and nothing is lost, while another one
// comes back.
func TestLaggingServerIsLeft(t *testing.T) {
	ahead, behind := zkserver.Standalone(t), zkserver.Standalone(t)
	front, back := proxy(t, ahead.Addr()), proxy(t, behind.Addr())
	back.SetMode(netfault.Refuse)
	_, s := connect(t, zk.Config{Servers: zk.Hosts{front.Addr(), back.Addr()}})
	for range 20 {
		must(t, s, zk.Create{Path: "/n-", ACL: open, Mode: zk.PersistentSequential})
	}
	back.SetMode(netfault.Pass)
	front.SetMode(netfault.Refuse)
	for range 3 {
		tried := back.Accepted()
		for back.Accepted() == tried {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if _, err := s.Call(ctx, zk.Get{Path: "/"}); err == nil {
				t.Fatal("the server that is behind was used")
			}
			cancel()
		}
		front.SetMode(netfault.Pass)
		must(t, s, zk.Get{Path: "/n-0000000000"})
		front.SetMode(netfault.Refuse)
	}
	if s.Err() != nil {
		t.Error(s.Err())
	}
}
