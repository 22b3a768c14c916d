package zk_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

func TestOperations(t *testing.T) {
	server := zkserver.StandaloneConfig(t, zkserver.Config{Properties: map[string]string{"extendedTypesEnabled": "true"}})
	_, s := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}})
	run := func(name string, test func(t *testing.T, s *zk.Session)) {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
	run("Nodes", testNodes)
	run("Modes", testModes)
	run("Null", testNull)
	run("Multi", testMulti)
	run("MultiRead", testMultiRead)
	run("ACL", testACL)
	run("Pipeline", testPipeline)
	run("BadPath", testBadPath)
}

func testNodes(t *testing.T, s *zk.Session) {
	created := must(t, s, zk.Create{Path: "/a", Data: []byte("one"), ACL: open})
	if created.Path != "/a" || created.Stat.Czxid != created.Zxid || created.Stat.DataLength != 3 || created.Conn != 1 {
		t.Errorf("created %+v", created)
	}
	if got := must(t, s, zk.Get{Path: "/a"}); string(got.Data) != "one" || got.Stat != created.Stat || got.Zxid != created.Zxid {
		t.Errorf("got %+v", got)
	}
	set := must(t, s, zk.Set{Path: "/a", Data: []byte("two"), Version: 0})
	if set.Stat.Version != 1 || set.Stat.Mzxid != set.Zxid || set.Zxid <= created.Zxid {
		t.Errorf("set %+v", set)
	}
	if got := must(t, s, zk.Exists{Path: "/a"}); got.Stat != set.Stat {
		t.Errorf("exists %+v, want %+v", got.Stat, set.Stat)
	}
	must(t, s, zk.Create{Path: "/a/b", ACL: open})
	must(t, s, zk.Create{Path: "/a/c", ACL: open})
	children := must(t, s, zk.Children{Path: "/a"})
	if slices.Sort(children.Children); !slices.Equal(children.Children, []string{"b", "c"}) || children.Stat.NumChildren != 2 {
		t.Errorf("children %+v", children)
	}
	must(t, s, zk.Sync{Path: "/a"})
	for _, refusal := range []struct {
		request zk.Request
		code    zk.Code
	}{
		{zk.Create{Path: "/a", ACL: open}, zk.ErrNodeExists},
		{zk.Create{Path: "/absent/b", ACL: open}, zk.ErrNoNode},
		{zk.Create{Path: "/x"}, zk.ErrInvalidACL},
		{zk.Get{Path: "/absent"}, zk.ErrNoNode},
		{zk.Exists{Path: "/absent"}, zk.ErrNoNode},
		{zk.Children{Path: "/absent"}, zk.ErrNoNode},
		{zk.Set{Path: "/a", Version: 7}, zk.ErrBadVersion},
		{zk.Delete{Path: "/a", Version: 7}, zk.ErrBadVersion},
		{zk.Delete{Path: "/a", Version: zk.AnyVersion}, zk.ErrNotEmpty},
		{zk.RemoveWatches{Path: "/a", Kind: zk.AnyWatches}, zk.ErrNoWatcher},
	} {
		_, err := s.Call(testContext(t), refusal.request)
		wantRefused(t, err, refusal.code)
	}
	must(t, s, zk.Delete{Path: "/a/b", Version: 0})
	must(t, s, zk.Delete{Path: "/a/c", Version: zk.AnyVersion})
	must(t, s, zk.Delete{Path: "/a", Version: 1})
}

func testModes(t *testing.T, s *zk.Session) {
	must(t, s, zk.Create{Path: "/modes", ACL: open, Mode: zk.Container})
	if owner := must(t, s, zk.Create{Path: "/modes/e", ACL: open, Mode: zk.Ephemeral}).Stat.EphemeralOwner; owner != s.ID() {
		t.Errorf("owner %#x, want %#x", owner, s.ID())
	}
	for mode, want := range map[zk.Mode]string{
		zk.PersistentSequential:    "/modes/p-0000000001",
		zk.EphemeralSequential:     "/modes/es-0000000001",
		zk.PersistentSequentialTTL: "/modes/t-0000000001",
	} {
		parent := must(t, s, zk.Create{Path: "/sequence", ACL: open}).Path
		must(t, s, zk.Create{Path: parent + "/first", ACL: open}) // takes a number too
		name := want[len("/modes") : len(want)-10]
		reply := must(t, s, zk.Create{Path: parent + name, ACL: open, Mode: mode, TTL: time.Minute})
		if reply.Path != parent+want[len("/modes"):] {
			t.Errorf("mode %d: created %q, want %q", mode, reply.Path, want)
		}
		must(t, s, zk.Delete{Path: reply.Path})
		must(t, s, zk.Delete{Path: parent + "/first"})
		must(t, s, zk.Delete{Path: parent})
	}
	must(t, s, zk.Create{Path: "/modes/t", ACL: open, Mode: zk.PersistentTTL, TTL: time.Minute})
	_, err := s.Call(testContext(t), zk.Create{Path: "/modes/e/x", ACL: open})
	wantRefused(t, err, zk.ErrNoChildrenForEphemerals)
}

// testNull: null, no bytes, and bytes are three things.
func testNull(t *testing.T, s *zk.Session) {
	must(t, s, zk.Create{Path: "/null", ACL: open})
	if data := must(t, s, zk.Get{Path: "/null"}).Data; data != nil {
		t.Errorf("got %v, want nil", data)
	}
	must(t, s, zk.Set{Path: "/null", Data: []byte{}, Version: 0})
	if data := must(t, s, zk.Get{Path: "/null"}).Data; data == nil || len(data) != 0 {
		t.Errorf("got %v, want no bytes", data)
	}
	must(t, s, zk.Set{Path: "/null", Version: 1})
	if data := must(t, s, zk.Get{Path: "/null"}).Data; data != nil {
		t.Errorf("got %v, want nil", data)
	}
}

func testMulti(t *testing.T, s *zk.Session) {
	reply := must(t, s, zk.Multi{
		zk.Create{Path: "/m", Data: []byte("x"), ACL: open},
		zk.Create{Path: "/m/c", ACL: open, Mode: zk.Container},
		zk.Create{Path: "/m/t", ACL: open, Mode: zk.PersistentTTL, TTL: time.Minute},
		zk.Create{Path: "/m/s-", ACL: open, Mode: zk.EphemeralSequential},
		zk.Set{Path: "/m", Data: []byte("y"), Version: 0},
		zk.Check{Path: "/m", Version: 1},
		zk.Delete{Path: "/m/t", Version: 0},
	})
	if len(reply.Results) != 7 || reply.Results[0].Path != "/m" || reply.Results[3].Path != "/m/s-0000000002" ||
		reply.Results[4].Stat.Version != 1 {
		t.Errorf("results %+v", reply)
	}
	if got := must(t, s, zk.Exists{Path: "/m"}); got.Stat.Czxid != reply.Zxid {
		t.Errorf("created at %#x, want %#x", got.Stat.Czxid, reply.Zxid)
	}
	reply, err := s.Call(testContext(t), zk.Multi{
		zk.Set{Path: "/m", Version: 1},
		zk.Check{Path: "/m/absent", Version: 0},
		zk.Set{Path: "/m", Version: 7},
	})
	wantRefused(t, err, zk.ErrNoNode)
	var e *zk.Error
	if !errors.As(err, &e) || e.Index != 1 || e.Path != "/m/absent" || reply.Err != err || reply.Results != nil || reply.Zxid == 0 {
		t.Errorf("reply %+v, error %v", reply, err)
	}
	if got := must(t, s, zk.Get{Path: "/m"}); string(got.Data) != "y" {
		t.Errorf("a Multi that was refused did something: %q", got.Data)
	}
	if reply := must(t, s, zk.Multi{}); len(reply.Results) != 0 {
		t.Errorf("an empty Multi brought %+v", reply)
	}
}

func testMultiRead(t *testing.T, s *zk.Session) {
	must(t, s, zk.Create{Path: "/r", Data: []byte("x"), ACL: open})
	must(t, s, zk.Create{Path: "/r/c", ACL: open})
	reply := must(t, s, zk.MultiRead{zk.Get{Path: "/r"}, zk.Get{Path: "/absent"}, zk.Children{Path: "/r"}})
	got := reply.Results
	if len(got) != 3 || string(got[0].Data) != "x" || got[0].Stat.NumChildren != 1 || !slices.Equal(got[2].Children, []string{"c"}) {
		t.Fatalf("results %+v", got)
	}
	wantRefused(t, got[1].Err, zk.ErrNoNode)
}

func testACL(t *testing.T, s *zk.Session) {
	acl := []zk.ACL{{Perms: zk.PermRead | zk.PermAdmin, Scheme: "world", ID: "anyone"}, {Perms: zk.PermAll, Scheme: "digest", ID: "u:h"}}
	must(t, s, zk.Create{Path: "/acl", ACL: acl})
	got := must(t, s, zk.GetACL{Path: "/acl"})
	if !slices.Equal(got.ACL, acl) || got.Stat.Aversion != 0 {
		t.Errorf("ACL %+v", got)
	}
	_, err := s.Call(testContext(t), zk.Set{Path: "/acl", Version: zk.AnyVersion})
	wantRefused(t, err, zk.ErrNoAuth)
	_, err = s.Call(testContext(t), zk.SetACL{Path: "/acl", ACL: open, Version: 3})
	wantRefused(t, err, zk.ErrBadVersion)
	if set := must(t, s, zk.SetACL{Path: "/acl", ACL: open, Version: 0}); set.Stat.Aversion != 1 {
		t.Errorf("set %+v", set)
	}
	must(t, s, zk.Set{Path: "/acl", Version: zk.AnyVersion})
	_, err = s.Call(testContext(t), zk.Create{Path: "/acl/mine", ACL: zk.CreatorACL(zk.PermAll)})
	wantRefused(t, err, zk.ErrInvalidACL) // nobody is authenticated
	who := must(t, s, zk.WhoAmI{}).Identities
	if len(who) != 1 || who[0].Scheme != "ip" {
		t.Errorf("who am I: %+v", who)
	}
}

// testPipeline: requests of one Do are done in their order, over one connection, each with its own outcome.
func testPipeline(t *testing.T, s *zk.Session) {
	replies, err := s.Do(testContext(t),
		zk.Create{Path: "/p", Data: []byte("x"), ACL: open},
		zk.Get{Path: "/absent"},
		zk.Multi{zk.Check{Path: "/", Version: zk.AnyVersion}},
		zk.Get{Path: "/p"},
	)
	wantRefused(t, err, zk.ErrNoNode)
	if len(replies) != 4 || replies[0].Err != nil || replies[1].Err != err || replies[2].Err != nil || string(replies[3].Data) != "x" {
		t.Fatalf("replies %+v", replies)
	}
	if !(replies[0].Zxid < replies[2].Zxid && replies[2].Zxid <= replies[3].Zxid) || replies[0].Conn != replies[3].Conn {
		t.Errorf("replies %+v", replies)
	}
	if replies, err := s.Do(testContext(t)); err != nil || replies != nil {
		t.Errorf("nothing asked, got %v, %v", replies, err)
	}
}

// testBadPath: what a server would take for another path is not sent, and what it refuses costs nobody the connection.
func testBadPath(t *testing.T, s *zk.Session) {
	for _, path := range []string{"", "relative", "/a//b", "/a/", "/nul\x00", "/a/../b"} {
		_, err := s.Call(testContext(t), zk.Create{Path: path, ACL: open})
		var e *zk.Error
		if !errors.As(err, &e) || e.Outcome != zk.Refused {
			t.Error(err)
		}
	}
	bad := zk.Get{Path: "/\xff"}
	for _, request := range []zk.Request{bad, zk.Multi{zk.Check{Path: bad.Path}}, zk.MultiRead{bad},
		zk.SetWatches{Data: []string{"/a", bad.Path}}, zk.SetWatches{Children: []string{bad.Path}}} {
		_, err := s.Call(testContext(t), request)
		var e *zk.Error
		if !errors.As(err, &e) || e.Outcome != zk.NotSent {
			t.Error(err)
		}
	}
	if reply := must(t, s, zk.Exists{Path: "/"}); reply.Conn != 1 {
		t.Errorf("on connection %d, want the first one still", reply.Conn)
	}
}
