package zkserver

import (
	"testing"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
)

// TestEnsemble takes one ensemble through elections, because starting it is what
// takes the time.
func TestEnsemble(t *testing.T) {
	c := EnsembleConfig(t, 3, Config{PeerProxies: true})
	conn := connect(t, c.Addrs()...)
	conn.create(t, "/kept", "", zk.Persistent)

	first := c.Leader()
	followers := 0
	for _, s := range c.Servers {
		if s.Role() == Follower {
			followers++
		}
	}
	if first == nil || followers != 2 {
		t.Fatalf("leader %v, %d followers", first, followers)
	}

	first.Kill()
	mustBeReady(t, c)
	second := c.Leader()
	if second == nil || second == first {
		t.Fatalf("leader %p, before %p", second, first)
	}
	if err := first.Restart(); err != nil {
		t.Fatal(err)
	}
	if role := first.Role(); role != Follower {
		t.Errorf("the old leader came back as %q", role)
	}

	if err := second.Pause(); err != nil {
		t.Fatal(err)
	}
	mustBeReady(t, c)
	third := c.Leader()
	if third == nil || third == second {
		t.Fatalf("leader %p, before %p", third, second)
	}
	if err := second.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the paused leader follows", func() bool { return second.Role() == Follower })

	c.SetPeers(third, netfault.Blackhole)
	eventually(t, "the others elect another", func() bool {
		now := c.Leader()
		return now != nil && now != third
	})
	c.SetPeers(third, netfault.Pass)
	mustBeReady(t, c)
	eventually(t, "the client is served", func() bool {
		_, err := conn.call(t, zk.Exists{Path: "/kept"})
		return err == nil
	})
}

func mustBeReady(t *testing.T, c *Cluster) {
	t.Helper()
	if err := c.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
}
