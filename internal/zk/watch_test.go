package zk_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
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

// TestSetWatches: what has not changed since is watched, and what has is told at once, before the reply, and only then.
func TestSetWatches(t *testing.T) {
	server, net := proxied(t)
	told := newEvents(t)
	_, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}, OnEvent: told.add})
	_, other := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}})
	told.next(zk.Connected)
	paths := []string{"/same", "/set", "/deleted", "/recreated", "/parent", "/ended", "/given"}
	var made zk.Multi
	for _, path := range paths {
		made = append(made, zk.Create{Path: path, ACL: open})
	}
	since := must(t, s, made).Zxid
	must(t, other, zk.Set{Path: "/set", Version: 0})
	must(t, other, zk.Delete{Path: "/deleted", Version: 0})
	must(t, other, zk.Delete{Path: "/recreated", Version: 0})
	must(t, other, zk.Create{Path: "/recreated", ACL: open})
	must(t, other, zk.Create{Path: "/given/child", ACL: open})
	must(t, other, zk.Delete{Path: "/ended", Version: 0})
	must(t, s, zk.Sync{Path: "/"})

	must(t, s, zk.SetWatches{Since: since, Data: paths[:4], Children: paths[4:]})
	told.mu.Lock()
	for i, want := range []zk.Event{{Kind: zk.NodeDataChanged, Path: "/set"}, {Kind: zk.NodeDeleted, Path: "/deleted"},
		{Kind: zk.NodeDataChanged, Path: "/recreated"}, {Kind: zk.NodeDeleted, Path: "/ended"}, {Kind: zk.NodeChildrenChanged, Path: "/given"}} {
		if i >= len(told.told) || told.told[i].Kind != want.Kind || told.told[i].Path != want.Path {
			t.Errorf("%v is not told before the reply: %v", want, told.told)
		}
	}
	told.told = nil
	told.mu.Unlock()

	must(t, other, zk.Set{Path: "/set", Version: 1}) // those that were told of are not watched
	must(t, other, zk.Delete{Path: "/given/child", Version: 0})
	must(t, other, zk.Set{Path: "/same", Version: 0})
	if e := told.next(zk.NodeDataChanged); e.Path != "/same" {
		t.Errorf("event %+v", e)
	}
	must(t, other, zk.Set{Path: "/parent", Version: 0}) // its children are watched
	must(t, other, zk.Delete{Path: "/parent", Version: 1})
	if e := told.next(zk.NodeDeleted); e.Path != "/parent" {
		t.Errorf("event %+v", e)
	}

	must(t, s, zk.SetWatches{Since: math.MaxInt64, Data: []string{"/same", "/deleted"}})
	if e := told.next(zk.NodeDeleted); e.Path != "/deleted" {
		t.Errorf("event %+v", e)
	}
	must(t, other, zk.Set{Path: "/same", Version: 1})
	if e := told.next(zk.NodeDataChanged); e.Path != "/same" {
		t.Errorf("event %+v", e)
	}
	told.none()
}

// TestSetWatchesOnTheWire: a request is what ZooKeeper's record of it says, and the reply has no body.
func TestSetWatchesOnTheWire(t *testing.T) {
	bubble(t, func(p *peer) {
		p.accept()
		p.next()
		want := wire.AppendLong(nil, 1<<40)
		for _, paths := range [][]string{{"/a", "/b/c"}, nil, {"/d"}} {
			want = wire.AppendInt(want, int32(len(paths)))
			for _, path := range paths {
				want = wire.AppendString(want, path)
			}
		}
		if got := p.last.body[8:]; p.last.Opcode != 101 || !bytes.Equal(got, want) {
			t.Errorf("%v % x, want % x", p.last.Opcode, got, want)
		}
		p.reply(0)
		p.serve()
	}, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		request := zk.SetWatches{Since: 1 << 40, Data: []string{"/a", "/b/c"}, Children: []string{"/d"}}
		if reply, err := session(t, client).Call(t.Context(), request); err != nil || reply.Zxid != 100 {
			t.Error(reply, err)
		}
	})
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
