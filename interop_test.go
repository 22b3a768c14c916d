package zkstate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store/zkstore"
)

// rust plays the operations of the Rust crate zkstate 0.1.23, as its source has
// them, on a plain client connection.
type rust struct {
	*testing.T
	session *zk.Session
	id      string
	path    string
}

func newRust(t *testing.T, addr, path string, n int) *rust {
	return &rust{T: t, session: plainSession(t, addr), id: fmt.Sprintf("0b5f1c3e-77aa-4d0e-9c55-%012d", n), path: path}
}

// open is ZkState::new: ensure_path, then exists, create with open access, get_data
// with a watch.
func (r *rust) open(initial string) {
	r.ensure(r.path)
	payload := r.path + "/payload"
	_, err := r.call(zk.Exists{Path: payload})
	if errors.Is(err, zk.ErrNoNode) {
		_, err = r.call(zk.Create{Path: payload, Data: []byte(initial), ACL: zk.WorldACL(zk.PermAll)})
	}
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rust) call(request zk.Request) (zk.Reply, error) {
	return r.session.Call(context.Background(), request)
}

func (r *rust) ensure(path string) {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		if _, err := r.call(zk.Create{Path: path[:i], ACL: zk.WorldACL(zk.PermAll)}); err != nil && !errors.Is(err, zk.ErrNodeExists) {
			r.Fatal(err)
		}
	}
}

// update is ZkState::update: a latch under write_lock, polled every 5 ms until it is
// the lowest; then set_data with the version that is known, and the latch goes. The
// crate does not retry: a stale version is reported and read again.
func (r *rust) update(ctx context.Context, known zk.Stat, doc []byte) (zk.Stat, error) {
	lock := r.path + "/write_lock"
	r.ensure(lock)
	made, err := r.call(zk.Create{Path: lock + "/latch-" + r.id + "-", ACL: zk.WorldACL(zk.PermAll), Mode: zk.EphemeralSequential})
	if err != nil {
		r.Fatal(err)
	}
	latch := made.Path
	defer func() {
		if _, err := r.call(zk.Delete{Path: latch, Version: zk.AnyVersion}); err != nil {
			r.Error(err)
		}
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !r.leads(lock, latch) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return zk.Stat{}, ctx.Err()
		}
	}
	set, err := r.call(zk.Set{Path: r.path + "/payload", Data: doc, Version: known.Version})
	return set.Stat, err
}

func (r *rust) leads(lock, latch string) bool {
	reply, err := r.call(zk.Children{Path: lock})
	if err != nil {
		r.Fatal(err)
	}
	queue := reply.Children
	sequence := func(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }
	lowest := slices.MinFunc(queue, func(a, b string) int { return strings.Compare(sequence(a), sequence(b)) })
	return lock+"/"+lowest == latch
}

// TestInteropWithTheRustCrate: both count in one document, each by its own rules.
func TestInteropWithTheRustCrate(t *testing.T) {
	const each = 30
	server := zkserver.Standalone(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	first := newRust(t, server.Addr(), "/shared/counter", 0)
	first.open(`{"processes":[],"interval":0}`)

	s, err := zkstore.Open(zkstore.Config{Servers: []string{server.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	st, err := zkstate.Open(ctx, s, "/shared/counter", initial())
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	if got, err := st.Read(); err != nil || got.Interval != 0 {
		t.Fatalf("the crate's document is read as %+v, %v", got, err)
	}

	var acknowledged, stale atomic.Int64
	var group sync.WaitGroup
	for i := range 2 {
		r := newRust(t, server.Addr(), "/shared/counter", i+1)
		group.Go(func() {
			for done := 0; done < each; {
				read, err := r.call(zk.Get{Path: "/shared/counter/payload"})
				var value config
				if err == nil {
					err = json.Unmarshal(read.Data, &value)
				}
				if err != nil {
					t.Error(err)
					return
				}
				value.Interval++
				next, err := json.Marshal(value)
				if err != nil {
					t.Error(err)
					return
				}
				switch _, err := r.update(ctx, read.Stat, next); {
				case errors.Is(err, zk.ErrBadVersion):
					stale.Add(1)
				case err != nil:
					t.Error(err)
					return
				default:
					acknowledged.Add(1)
					done++
				}
			}
		})
	}
	for range 2 {
		group.Go(func() {
			for range each {
				if _, err := st.Update(ctx, bump); err != nil {
					t.Error(err)
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	group.Wait()
	got, _, err := st.ReadConsistent(ctx)
	if err != nil || int64(got.Interval) != acknowledged.Load() {
		t.Errorf("the counter is %d after %d acknowledgements, %v", got.Interval, acknowledged.Load(), err)
	}
	t.Logf("%d acknowledgements; the crate's writers met a newer version %d times", acknowledged.Load(), stale.Load())
}

// TestRustLeavesItsLatch: the crate does not remove its latch when its update fails, and
// its session lives on. Plain updates go on without it; an operator can see it and remove
// it, and then there are exclusive ones again.
func TestRustLeavesItsLatch(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	r := newRust(t, server.Addr(), "/shared/counter", 0)
	r.open(`{"processes":[],"interval":0}`)
	r.ensure("/shared/counter/write_lock")
	latch, err := r.call(zk.Create{Path: "/shared/counter/write_lock/latch-" + r.id + "-", ACL: zk.WorldACL(zk.PermAll), Mode: zk.EphemeralSequential})
	if err != nil {
		t.Fatal(err)
	}
	s := zkOn(t, 4*time.Second, server.Addr())
	states := make([]*zkstate.State[config], 2)
	for i := range states {
		if states[i], err = zkstate.Open(ctx, s, "/shared/counter", initial()); err != nil {
			t.Fatal(err)
		}
		defer closeState(t, states[i])
	}
	var group sync.WaitGroup
	for _, st := range states { // they meet, and want to take turns
		group.Go(func() {
			for range 20 {
				if _, err := st.Update(ctx, bump); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	brief, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := states[0].Update(brief, bump, zkstate.Exclusive()); !errors.Is(err, zkstate.ErrLocked) {
		t.Errorf("an exclusive update behind the latch: %v", err)
	}
	queue, err := s.Queue(ctx, "/shared/counter")
	if err != nil || len(queue) == 0 || queue[0].ID != r.id || !strings.HasSuffix(latch.Path, "/"+queue[0].Key) {
		t.Fatalf("the queue is %+v, %v; the latch is %s", queue, err, latch.Path)
	}
	if err := s.BreakLock(ctx, "/shared/counter", queue[0].Key); err != nil {
		t.Fatal(err)
	}
	if _, err := states[0].Update(ctx, bump, zkstate.Exclusive()); err != nil {
		t.Error(err)
	}
	if got, _, err := states[1].ReadConsistent(ctx); err != nil || got.Interval != 41 {
		t.Errorf("the counter is %d, %v", got.Interval, err)
	}
}
