package zk_test

import (
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestLocalSession: where a server keeps sessions to itself, one becomes the ensemble's with its first ephemeral node,
// under the same number, and then goes on on another server.
func TestLocalSession(t *testing.T) {
	ensemble := zkserver.EnsembleConfig(t, 3, zkserver.Config{Properties: map[string]string{
		"localSessionsEnabled": "true", "localSessionsUpgradingEnabled": "true",
	}})
	dialer := new(switchable)
	dialer.to.Store(&[]string{ensemble.Servers[0].Addr()}[0])
	told := newEvents(t)
	_, s := connect(t, zk.Config{Servers: zk.Hosts{"zookeeper:2181"}, SessionTimeout: 6 * time.Second, Dial: dialer.dial, OnEvent: told.add})
	told.next(zk.Connected)
	must(t, s, zk.Create{Path: "/p", ACL: open})
	reply := must(t, s, zk.Create{Path: "/e", ACL: open, Mode: zk.Ephemeral})
	if reply.Stat.EphemeralOwner != s.ID() {
		t.Errorf("the node belongs to %#x, the session is %#x", reply.Stat.EphemeralOwner, s.ID())
	}
	dialer.to.Store(&[]string{ensemble.Servers[1].Addr()}[0])
	dialer.cut()
	told.next(zk.Disconnected)
	if e := told.next(zk.Connected); e.Session != s {
		t.Errorf("event %+v", e)
	}
	must(t, s, zk.Get{Path: "/e"})
}
