package zk_test

import (
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
)

func TestWatches(t *testing.T) {
	server, net := proxied(t)
	told := newEvents(t)
	_, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}, OnEvent: told.add})
	_, other := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}})
	if e := told.next(zk.Connected); e.Session != s || e.Conn != 1 {
		t.Errorf("event %+v", e)
	}
	node := func(kind zk.EventKind, path string) {
		t.Helper()
		if e := told.next(kind); e.Path != path || e.Session != s || e.Conn != 1 {
			t.Errorf("event %+v, want one of %s", e, path)
		}
	}
	if _, err := s.Call(testContext(t), zk.Exists{Path: "/w", Watch: true}); err == nil {
		t.Error("there is a node")
	}
	must(t, other, zk.Create{Path: "/w", ACL: open})
	node(zk.NodeCreated, "/w")
	must(t, s, zk.Get{Path: "/w", Watch: true})
	must(t, other, zk.Set{Path: "/w", Version: 0})
	node(zk.NodeDataChanged, "/w")
	must(t, other, zk.Set{Path: "/w", Version: 1}) // nobody watches
	must(t, s, zk.Children{Path: "/w", Watch: true})
	must(t, other, zk.Create{Path: "/w/c", ACL: open})
	node(zk.NodeChildrenChanged, "/w")

	must(t, s, zk.AddWatch{Path: "/w", Mode: zk.PersistentRecursiveWatch})
	must(t, other, zk.Set{Path: "/w", Version: zk.AnyVersion})
	must(t, other, zk.Set{Path: "/w/c", Version: zk.AnyVersion})
	must(t, other, zk.Create{Path: "/w/d", ACL: open})
	must(t, other, zk.Delete{Path: "/w/d", Version: 0})
	node(zk.NodeDataChanged, "/w")
	node(zk.NodeDataChanged, "/w/c")
	node(zk.NodeCreated, "/w/d")
	node(zk.NodeDeleted, "/w/d")
	must(t, s, zk.RemoveWatches{Path: "/w", Kind: zk.AnyWatches})
	must(t, other, zk.Set{Path: "/w", Version: zk.AnyVersion})

	must(t, s, zk.AddWatch{Path: "/w", Mode: zk.PersistentWatch})
	must(t, other, zk.Create{Path: "/w/d", ACL: open})
	node(zk.NodeChildrenChanged, "/w")

	// A new connection has no watches, and the client does not bring them back.
	net.Cut()
	told.next(zk.Disconnected)
	if e := told.next(zk.Connected); e.Session != s || e.Conn != 2 {
		t.Errorf("event %+v", e)
	}
	must(t, other, zk.Set{Path: "/w", Version: zk.AnyVersion})
	if reply := must(t, s, zk.Get{Path: "/w"}); reply.Conn != 2 {
		t.Errorf("connection %d, want 2", reply.Conn)
	}
	told.none()
}

// TestEventsInTheOrderOfTheWire: an event comes before the reply that shows what it tells of.
func TestEventsInTheOrderOfTheWire(t *testing.T) {
	server, _ := proxied(t)
	told := newEvents(t)
	_, s := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}, OnEvent: told.add})
	told.next(zk.Connected)
	must(t, s, zk.Create{Path: "/w", ACL: open})
	must(t, s, zk.AddWatch{Path: "/w", Mode: zk.PersistentWatch})
	for i := range int32(100) {
		must(t, s, zk.Set{Path: "/w", Version: i})
		told.mu.Lock()
		if n := len(told.told); n != int(i+1) {
			t.Errorf("%d events after %d changes", n, i+1)
		}
		told.mu.Unlock()
	}
}
