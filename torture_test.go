package zkstate_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
)

var tortureFor = flag.Duration("torture", 4*time.Second, "how long TestTorture keeps breaking things")

// TestTorture lets several instances count while their network is cut, loses replies
// and events, and their sessions are killed. Afterwards:
//
//   - the counter is at least what was acknowledged, and at most that and what had an
//     unknown outcome: nothing is lost, nothing is applied twice;
//   - every subscriber's sets form one chain, and lead to the stored document;
//   - no State ever went back;
//   - every State serves the same document, and every listener record is there.
func TestTorture(t *testing.T) {
	t.Parallel()
	const instances = 3
	server := zkserver.Standalone(t)
	ctx, cancel := context.WithTimeout(context.Background(), *tortureFor+4*patience)
	defer cancel()
	e := &env{T: t, ctx: ctx}
	var nets []*netfault.Proxy
	var states []*zkstate.State[config]
	for range instances {
		proxy, err := netfault.New(server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := proxy.Close(); err != nil {
				t.Error(err)
			}
		})
		nets = append(nets, proxy)
		states = append(states, openOn(e, zkOn(t, 4*time.Second, proxy.Addr()), zkstate.WithRefresh(500*time.Millisecond)))
	}

	var acknowledged, unknown atomic.Int64
	var counting, watching sync.WaitGroup
	counted := make(chan struct{}) // closed when nobody counts any more
	for _, st := range states {
		counting.Go(func() { count(e, st, &acknowledged, &unknown) })
		watching.Go(func() { neverBack(e, st, counted) })
	}
	follower := openOn(e, zkOn(t, 4*time.Second, nets[0].Addr()), zkstate.WithRefresh(500*time.Millisecond), zkstate.Observer())
	sets := follower.Changes(ctx, zkstate.Replay())
	var subscriber replayed
	watching.Go(func() { subscriber.take(e, sets) })

	harm(e, server.Addr(), nets)
	t.Logf("%d acknowledgements and %d unknown outcomes so far", acknowledged.Load(), unknown.Load())
	tortureOver.Store(true)
	counting.Wait()
	close(counted)

	got, _, err := states[0].ReadConsistent(ctx)
	if err != nil {
		t.Fatal(err)
	}
	total, acks, unk := int64(got.Interval-initial().Interval), acknowledged.Load(), unknown.Load()
	t.Logf("the counter is %d, with %d acknowledgements and %d unknown outcomes", total, acks, unk)
	if total < acks || total > acks+unk || acks == 0 {
		t.Errorf("the counter is %d, with %d acknowledgements and %d unknown outcomes", total, acks, unk)
	}
	snap, _ := states[0].Snapshot()
	e.eventually("the changes lead to the newest version", func() bool {
		at, _ := subscriber.state()
		return at == snap.Version
	})
	_, doc := subscriber.state()
	var last config
	if err := json.Unmarshal(doc, &last); err != nil || last.Interval != got.Interval {
		t.Errorf("the changes lead to %s, %v; stored is %+v", doc, err, got)
	}
	closeState(t, follower) // ends its sequence
	watching.Wait()
	for _, st := range states {
		e.eventually("every State serves the newest", func() bool {
			_, err := st.Read()
			now, _ := st.Snapshot()
			return err == nil && now.Version == snap.Version
		})
	}
	e.eventually("every listener record is there", func() bool {
		found, err := states[0].Listeners(ctx)
		return err == nil && len(found) == instances
	})
}

// tortureOver tells the counters to end. There is one torture a run.
var tortureOver atomic.Bool

// count increments until the torture is over, now and then under the lock.
func count(e *env, st *zkstate.State[config], acknowledged, unknown *atomic.Int64) {
	for !tortureOver.Load() {
		var opts []zkstate.UpdateOption
		if rand.IntN(4) == 0 {
			opts = append(opts, zkstate.Exclusive())
		}
		switch _, err := st.Update(e.ctx, bump, opts...); {
		case err == nil:
			acknowledged.Add(1)
		case errors.Is(err, zkstate.ErrUnknownOutcome):
			unknown.Add(1)
		default:
			e.Errorf("update: %v", err)
			return
		}
	}
}

// neverBack reads, and fails if a later read gives an earlier version.
func neverBack(e *env, st *zkstate.State[config], done <-chan struct{}) {
	var last zkstate.Snapshot[config]
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		snap, err := st.Snapshot()
		if err != nil || snap.Version.Before(last.Version) || snap.Value.Interval < last.Value.Interval {
			e.Errorf("went from %v to %v, %v", last.Version, snap.Version, err)
			return
		}
		last = snap
	}
}

// replayed is the document that a subscriber's sets lead to.
type replayed struct {
	mu  sync.Mutex // guards all below
	at  zkstate.Version
	doc []byte
}

// take applies every set to the document before it.
func (r *replayed) take(e *env, sets iter.Seq[zkstate.ChangeSet]) {
	for set := range sets {
		r.mu.Lock()
		doc, err := diff.Apply(r.doc, set.Changes)
		if err != nil || set.From != r.at || !r.at.Before(set.To) {
			e.Errorf("a set from %v to %v follows %v, %v", set.From, set.To, r.at, err)
		}
		r.doc, r.at = doc, set.To
		r.mu.Unlock()
	}
}

func (r *replayed) state() (zkstate.Version, []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, r.doc
}

// harm breaks things for as long as the torture lasts, and then lets them be.
func harm(e *env, server string, nets []*netfault.Proxy) {
	write := func(op wire.Opcode) bool { return op == wire.OpMulti }
	for end := time.Now().Add(*tortureFor); time.Now().Before(end); {
		proxy := nets[rand.IntN(len(nets))]
		switch rand.IntN(5) {
		case 0:
			proxy.Cut()
		case 1, 2:
			proxy.DropReply(write)
		case 3:
			release := proxy.HoldEvents()
			time.AfterFunc(50*time.Millisecond, release)
		case 4:
			if session, ok := proxy.LastSession(); ok {
				// It may be gone already, or the server busy: then it is not killed.
				_ = zkserver.KillSession(e.ctx, server, session.ID, session.Password)
			}
		}
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond) // the rate of harm
	}
}
