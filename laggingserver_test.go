package zkstate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestLaggingServerDoesNotConfirm: a follower that is cut off from its leader, and has not
// noticed yet, goes on answering reads and pings with what it has. A State on it serves the
// old copy only for as long as that was the newest within MaxStaleness, and goes stale then.
func TestLaggingServerDoesNotConfirm(t *testing.T) {
	t.Parallel()
	const bound = time.Second
	ensemble := zkserver.EnsembleConfig(t, 3, zkserver.Config{
		PeerProxies: true,
		SyncLimit:   120, // ticks, until which the follower does not notice
	})
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	e := &env{T: t, ctx: ctx}
	leader := ensemble.Leader()
	if leader == nil {
		t.Fatal("no leader")
	}
	var behind *zkserver.Server
	var others []string
	for _, server := range ensemble.Servers {
		if server != leader && behind == nil {
			behind = server
		} else {
			others = append(others, server.Addr())
		}
	}
	st := openOn(e, zkOn(t, 10*time.Second, behind.Addr()), zkstate.WithMaxStaleness(bound), zkstate.WithRefresh(100*time.Millisecond))
	writer := openOn(e, zkOn(t, 10*time.Second, others...))
	tool := plainSession(t, behind.Addr())
	before, err := st.Read()
	if err != nil {
		t.Fatal(err)
	}

	ensemble.SetPeers(behind, netfault.Blackhole)
	if _, err := writer.Update(ctx, bump); err != nil {
		t.Fatal(err)
	}
	outdated := time.Now()
	for err == nil { // reads go on, and end within the bound
		asked := time.Now()
		var got config
		if got, err = st.Read(); err == nil && asked.Sub(outdated) > bound {
			t.Fatalf("read %d, which was not the newest any more %v ago", got.Interval, asked.Sub(outdated))
		}
		time.Sleep(time.Millisecond) // the rate of reads
	}
	if !errors.Is(err, zkstate.ErrStale) {
		t.Errorf("at the bound: %v", err)
	}
	if snap, _ := st.Snapshot(); snap.Value.Interval != before.Interval || snap.Fresh() {
		t.Errorf("the server is not behind: %+v", snap)
	}
	reply, err := tool.Call(ctx, zk.Get{Path: "/app/config/payload"})
	if err != nil || reply.Stat.Version != 0 {
		t.Errorf("the server does not show what it has: version %d, %v", reply.Stat.Version, err)
	}

	ensemble.SetPeers(behind, netfault.Pass)
	e.eventually("the State has caught up", func() bool {
		got, err := st.Read()
		return err == nil && got.Interval == before.Interval+1
	})
}
