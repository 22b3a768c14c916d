package zkstate_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// loser is a State that loses its next race to another one, and so goes to the queue.
func loser(e *env, s store.Store, rival *zkstate.State[config]) *zkstate.State[config] {
	e.Helper()
	faults := storetest.Inject(s)
	st := openOn(e, faults)
	faults.BeforeCommit(func() {
		if _, err := rival.Update(e.ctx, bump); err != nil {
			e.Error(err)
		}
	})
	return st
}

// TestPlainUpdatesPassTheLock: somebody holds the lock for as long as it takes. Only
// exclusive updates wait, and say for whom.
func TestPlainUpdatesPassTheLock(t *testing.T) {
	eachStore(t, func(e *env) {
		held, err := e.handle().Lock(e.ctx, "/app/config", "a-script")
		if err != nil {
			e.Fatal(err)
		}
		st := loser(e, e.handle(), e.open())
		for range 20 {
			if _, err := st.Update(e.ctx, bump); err != nil {
				e.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(e.ctx, time.Second)
		defer cancel()
		_, err = st.Update(ctx, bump, zkstate.Exclusive())
		if !errors.Is(err, zkstate.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, zkstate.ErrUnavailable) ||
			!strings.Contains(err.Error(), "a-script") || !strings.Contains(err.Error(), "nothing was written") {
			e.Errorf("an exclusive update says %v", err)
		}
		if err := held.Unlock(e.ctx); err != nil {
			e.Fatal(err)
		}
		if _, err := st.Update(e.ctx, bump, zkstate.Exclusive()); err != nil {
			e.Error(err)
		}
		if got, err := st.Read(); err != nil || got.Interval != 1+1+20+1 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestLeftoverPlace: a place that nothing will ever remove is at the head of the queue.
func TestLeftoverPlace(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	plain := plainSession(t, b.net.Addr())
	for _, full := range []string{"/app/config/write_lock", "/app/config/write_lock/latch-dead-0000000000"} {
		if _, err := plain.Call(b.ctx, zk.Create{Path: full, ACL: zk.WorldACL(zk.PermAll)}); err != nil {
			t.Fatal(err)
		}
	}
	st := loser(b.env, zkOn(t, 4*time.Second, b.net.Addr()), b.writer)
	for range 3 {
		if _, err := st.Update(b.ctx, bump); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	if _, err := st.Update(ctx, bump, zkstate.Exclusive()); !errors.Is(err, zkstate.ErrLocked) || !strings.Contains(err.Error(), "left behind") {
		t.Errorf("an exclusive update says %v", err)
	}
}

// lockless is a store that lets nobody into its queue.
type lockless struct{ store.Store }

func (lockless) Lock(context.Context, string, string) (store.Lock, error) {
	return nil, fmt.Errorf("lock: %w", store.ErrDenied)
}

func TestUpdatesGoWithoutAQueue(t *testing.T) {
	eachStore(t, func(e *env) {
		st := loser(e, lockless{e.handle()}, e.open())
		for range 3 {
			if _, err := st.Update(e.ctx, bump); err != nil {
				e.Fatal(err)
			}
		}
		if _, err := st.Update(e.ctx, bump, zkstate.Exclusive()); !errors.Is(err, zkstate.ErrDenied) {
			e.Errorf("an exclusive update says %v", err)
		}
	})
}

// slow is a store at the other end of a network: a commit takes a while, and one under
// a lock is never answered in time if trouble is set.
type slow struct {
	store.Store
	trouble time.Duration
}

func (s slow) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	time.Sleep(time.Millisecond)
	for _, op := range ops {
		switch op.(type) {
		case store.Hold, store.Release:
			if s.trouble > 0 {
				time.Sleep(s.trouble)
				return nil, fmt.Errorf("commit: the answer was lost, it was not applied: %w", store.ErrUnavailable)
			}
		}
	}
	return s.Store.Commit(ctx, ops...)
}

// TestTroubleIsNotContagious: one instance loses the answers to what it commits in its
// turns, and keeps the turn for ten seconds each time. The others go on.
func TestTroubleIsNotContagious(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const minute = time.Minute
		first := memstore.New()
		ctx, cancel := context.WithTimeout(t.Context(), minute)
		defer cancel()
		open := func(s store.Store) *zkstate.State[config] {
			st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
			if err != nil {
				t.Fatal(err)
			}
			return st
		}
		flaky := open(slow{first.Attach(), 10 * time.Second})
		others := []*zkstate.State[config]{open(slow{Store: first.Attach()}), open(slow{Store: first.Attach()})}
		var group sync.WaitGroup
		counted, longest := make([]int, len(others)), make([]time.Duration, len(others))
		group.Go(func() {
			for ctx.Err() == nil {
				_, _ = flaky.Update(ctx, bump)
			}
		})
		for i, st := range others {
			group.Go(func() {
				for ctx.Err() == nil {
					began := time.Now()
					if _, err := st.Update(ctx, bump); err == nil {
						counted[i]++
						longest[i] = max(longest[i], time.Since(began))
					}
				}
			})
		}
		group.Wait()
		t.Logf("%d updates by the others in %v, the longest took %v", counted, minute, longest)
		if min(counted[0], counted[1]) < int(minute/time.Millisecond)/10 || max(longest[0], longest[1]) > 3*time.Second {
			t.Errorf("%d updates by the others in %v, the longest took %v", counted, minute, longest)
		}
		for _, st := range append(others, flaky) {
			closeState(t, st)
		}
	})
}

// TestTurnsEndWithoutACommit: updates of one State that change nothing, or fail, follow each
// other without a pause. Its turn ends all the same, and others get theirs.
func TestTurnsEndWithoutACommit(t *testing.T) {
	errOwn := errors.New("my own")
	for name, fn := range map[string]func(*config) error{
		"no change":    func(*config) error { return nil },
		"an own error": func(*config) error { return errOwn },
	} {
		for _, opts := range [][]zkstate.UpdateOption{nil, {zkstate.Exclusive()}} {
			synctest.Test(t, func(t *testing.T) {
				mem := memstore.New()
				e := &env{T: t, ctx: t.Context(), handle: func() store.Store { return mem.Attach() }}
				other := e.open()
				st := loser(e, &lagging{Store: mem.Attach(), trip: time.Millisecond}, other)
				if _, err := st.Update(t.Context(), bump); err != nil { // it has its turn from here on
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var group sync.WaitGroup
				for range 2 {
					group.Go(func() {
						for ctx.Err() == nil {
							_, _ = st.Update(ctx, fn, opts...)
						}
					})
				}
				time.Sleep(10 * time.Millisecond)
				for range 3 {
					waiting, enough := context.WithTimeout(ctx, 200*time.Millisecond)
					if _, err := other.Update(waiting, bump, zkstate.Exclusive()); err != nil {
						t.Errorf("%s, %d options: another instance's update says %v", name, len(opts), err)
					}
					enough()
				}
				cancel()
				group.Wait()
			})
		}
	}
}

// TestSlowFunctionInATurn: a function that takes seconds has a turn. It holds up another
// instance's exclusive update for a second, or until it ends if it is exclusive itself. Both
// are applied. What it costs the others, it costs once.
func TestSlowFunctionInATurn(t *testing.T) {
	for _, c := range []struct {
		opts []zkstate.UpdateOption
		wait time.Duration
	}{{nil, time.Second}, {[]zkstate.UpdateOption{zkstate.Exclusive()}, 5 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			mem := memstore.New()
			e := &env{T: t, ctx: t.Context(), handle: func() store.Store { return mem.Attach() }}
			locks := &lockWatcher{Store: mem.Attach()}
			other := e.open()
			st := openOn(e, locks)
			if c.opts == nil {
				st = loser(e, locks, other)
			}
			began := make(chan struct{})
			var group sync.WaitGroup
			group.Go(func() {
				runs := 0
				_, err := st.Update(t.Context(), func(v *config) error {
					if runs++; runs == 2 || len(c.opts) > 0 {
						close(began)
						time.Sleep(5 * time.Second)
					}
					return bump(v)
				}, c.opts...)
				if err != nil {
					t.Error(err)
				}
			})
			<-began
			start := time.Now()
			if _, err := other.Update(t.Context(), bump, zkstate.Exclusive()); err != nil {
				t.Error(err)
			}
			if waited := time.Since(start); waited < c.wait*9/10 || waited > c.wait*11/10 {
				t.Errorf("another instance's exclusive update took %v", waited)
			}
			group.Wait()
			if got, _, err := st.ReadConsistent(t.Context()); err != nil || got.Interval != 1+1+1+1-len(c.opts) || locks.taken.Load() != 1 {
				t.Errorf("%+v after %d locks, %v", got, locks.taken.Load(), err)
			}
		})
	}
}

// TestExclusiveRunsAgainInItsTurn: an exclusive function that takes longer than a turn may
// last runs again under the same lock when somebody who did not ask for it commits first.
func TestExclusiveRunsAgainInItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		locks := &lockWatcher{Store: mem.Attach()}
		e := &env{T: t, ctx: t.Context(), handle: func() store.Store { return mem.Attach() }}
		rival, st := e.open(), openOn(e, locks)
		runs := 0
		_, err := st.Update(t.Context(), func(c *config) error {
			time.Sleep(time.Second)
			if runs++; runs == 1 {
				if _, err := rival.Update(t.Context(), bump); err != nil {
					t.Error(err)
				}
			}
			return bump(c)
		}, zkstate.Exclusive())
		if err != nil || runs != 2 || locks.taken.Load() != 1 {
			t.Errorf("%d runs under %d locks, %v", runs, locks.taken.Load(), err)
		}
	})
}

var flakyFor = flag.Duration("flaky", 5*time.Second, "how long TestFlakyInstance counts")

// TestFlakyInstance is the same on a real server: one instance loses the answer to
// every other commit.
func TestFlakyInstance(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	proxy, err := netfault.New(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	e := &env{T: t, ctx: ctx}
	flaky := openOn(e, zkOn(t, 4*time.Second, proxy.Addr()))
	others := []*zkstate.State[config]{openOn(e, zkOn(t, 4*time.Second, server.Addr())), openOn(e, zkOn(t, 4*time.Second, server.Addr()))}
	var commits atomic.Int64
	heal := proxy.DropReplies(func(op wire.Opcode) bool { return op == wire.OpMulti && commits.Add(1)%2 == 0 })
	const each = 50
	end := time.Now().Add(*flakyFor)
	counted, longest := make([]int, 3), make([]time.Duration, 3)
	update := func(i int, st *zkstate.State[config]) {
		began := time.Now()
		if _, err := st.Update(ctx, bump); err != nil && !errors.Is(err, zkstate.ErrUnknownOutcome) {
			t.Error(err)
		}
		counted[i]++
		longest[i] = max(longest[i], time.Since(began))
	}
	var healthy, all sync.WaitGroup
	for i, st := range others {
		healthy.Go(func() {
			for ctx.Err() == nil && (counted[i] < each || time.Now().Before(end)) {
				update(i, st)
			}
		})
	}
	served := make(chan struct{})
	all.Go(func() {
		for {
			select {
			case <-served:
				return
			default:
				update(len(others), flaky)
			}
		}
	})
	healthy.Wait()
	close(served)
	all.Wait()
	lost := heal()
	t.Logf("%d updates, the last by the instance that lost %d answers; the longest took %v", counted, lost, longest)
	if lost == 0 || min(counted[0], counted[1]) < each || max(longest[0], longest[1]) > patience {
		t.Errorf("%d updates, the last by the instance that lost %d answers; the longest took %v", counted, lost, longest)
	}
}

// TestTurnsAreFenced: whatever is committed in a turn fails if the turn was lost meanwhile.
func TestTurnsAreFenced(t *testing.T) {
	mem := memstore.New()
	defer mem.Close()
	s := &commits{Store: mem}
	st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const updates = 4
	started, proceed := make(chan struct{}), make(chan struct{})
	var fences []string
	s.commit = func(ctx context.Context, ops []store.Op) ([]store.Version, error) {
		fence := "none"
		for _, op := range ops {
			switch op.(type) {
			case store.Hold:
				fence = "hold"
			case store.Release:
				fence = "release"
			}
		}
		if fences = append(fences, fence); len(fences) == 1 {
			close(started)
			<-proceed
		}
		return mem.Commit(ctx, ops...)
	}
	var group sync.WaitGroup
	for i := range updates {
		group.Go(func() {
			if _, err := st.Update(t.Context(), bump, zkstate.Exclusive(), zkstate.NoRetry()); err != nil {
				t.Error(err)
			}
		})
		if i == 0 {
			<-started
		} else {
			st.AwaitQueued(i)
		}
	}
	close(proceed)
	group.Wait()
	if len(fences) != updates || slices.Contains(fences, "none") || !slices.Contains(fences[1:], "hold") {
		t.Errorf("commits with %v", fences)
	}
}
