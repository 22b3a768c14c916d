package zkstate_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
)

// busy is a State with a commit under way that does not go on until release is
// called: what is updated meanwhile waits in the queue.
func busy(e *env) (st *zkstate.State[config], faults *storetest.Faults, release func()) {
	faults = storetest.Inject(e.handle())
	st = openOn(e, faults, zkstate.WithRefresh(time.Hour))
	started, proceed := make(chan struct{}), make(chan struct{})
	faults.BeforeCommit(func() { close(started); <-proceed })
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := st.Update(e.ctx, bump); err != nil {
			e.Error(err)
		}
	})
	<-started
	return st, faults, func() { close(proceed); first.Wait() }
}

// TestCombining: who waits while a commit is under way goes out as one, in order.
func TestCombining(t *testing.T) {
	eachStore(t, func(e *env) {
		const waiting = 50
		st, faults, release := busy(e)
		_, before := faults.Calls()
		var group sync.WaitGroup
		for i := range waiting {
			group.Go(func() {
				v, err := st.Update(e.ctx, func(c *config) error {
					c.Processes = append(c.Processes, fmt.Sprint(i))
					return bump(c)
				})
				if snap, _ := st.Snapshot(); err != nil || snap.Version.Before(v) {
					e.Errorf("made %v, serves %v, %v", v, snap.Version, err)
				}
			})
			st.AwaitQueued(i + 1)
		}
		release()
		group.Wait()
		_, after := faults.Calls()
		if commits := after - before; commits > 3 {
			e.Errorf("%d updates went out as %d commits", waiting, commits)
		}
		got, err := st.Read()
		if err != nil || got.Interval != 2+waiting || len(got.Processes) != 2+waiting {
			e.Fatalf("%+v, %v", got, err)
		}
		for i, name := range got.Processes[2:] {
			if name != fmt.Sprint(i) {
				e.Fatalf("the order is %v", got.Processes)
			}
		}
	})
}

// TestCombiningEscapes: text that looks like the mark of a lost byte is no reason to commit alone.
func TestCombiningEscapes(t *testing.T) {
	eachStore(t, func(e *env) {
		st, faults, release := busy(e)
		_, before := faults.Calls()
		var group sync.WaitGroup
		for i := range 5 {
			group.Go(func() {
				if _, err := st.Update(e.ctx, func(c *config) error { c.Processes[0] = `\ufffd`; return bump(c) }); err != nil {
					e.Error(err)
				}
			})
			st.AwaitQueued(i + 1)
		}
		release()
		group.Wait()
		if _, after := faults.Calls(); after-before > 2 {
			e.Errorf("5 updates went out as %d commits", after-before)
		}
	})
}

// TestCombiningLostBytes: a function sees what is stored of the one before it, and not a byte that encoding replaces.
func TestCombiningLostBytes(t *testing.T) {
	eachStore(t, func(e *env) {
		st, _, release := busy(e)
		var group sync.WaitGroup
		for i, fn := range []func(*config) error{
			func(c *config) error { c.Processes[0] = "a\xff"; return nil },
			func(c *config) error { c.Interval = len(c.Processes[0]); return nil },
		} {
			group.Go(func() {
				if _, err := st.Update(e.ctx, fn); err != nil {
					e.Error(err)
				}
			})
			st.AwaitQueued(i + 1)
		}
		release()
		group.Wait()
		if got, err := st.Read(); err != nil || got.Processes[0] != "a\ufffd" || got.Interval != len("a\ufffd") {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

var errOwn = errors.New("of its own")

// TestCombinedFailures: one fails, one panics, one ends its goroutine, one is not
// valid, one leaves, after each had changed its copy. The others' changes are
// committed, and nothing of theirs.
func TestCombinedFailures(t *testing.T) {
	eachStore(t, func(e *env) {
		st, _, release := busy(e)
		var group sync.WaitGroup
		waiting := 0
		update := func(ctx context.Context, fn func(*config) error, check func(error)) {
			group.Go(func() {
				defer func() {
					if r := recover(); r != nil && r != "at the disco" {
						e.Errorf("panicked with %v", r)
					}
				}()
				_, err := st.Update(ctx, fn, zkstate.WithReason("x"))
				check(err)
			})
			waiting++
			st.AwaitQueued(waiting)
		}
		spoil := func(c *config) {
			c.Processes[0] = "spoilt"
			c.Labels = map[string]string{"spoilt": "yes"}
		}
		good := func(err error) {
			if err != nil {
				e.Error(err)
			}
		}
		never := func(err error) { e.Errorf("the caller went on, with %v", err) }
		leaving, leave := context.WithCancel(e.ctx)
		update(e.ctx, bump, good)
		update(e.ctx, func(c *config) error { spoil(c); return errOwn }, func(err error) {
			if err != errOwn {
				e.Errorf("its own error is %v", err)
			}
		})
		update(e.ctx, func(c *config) error { spoil(c); panic("at the disco") }, never)
		update(e.ctx, func(c *config) error { spoil(c); runtime.Goexit(); return nil }, never)
		update(e.ctx, func(c *config) error { spoil(c); c.Interval = -1; return nil }, func(err error) {
			if err != errNegative {
				e.Errorf("Validate's error is %v", err)
			}
		})
		update(leaving, func(c *config) error { spoil(c); return nil }, func(err error) {
			if !errors.Is(err, context.Canceled) || errors.Is(err, zkstate.ErrUnknownOutcome) {
				e.Errorf("who left is told %v", err)
			}
		})
		update(e.ctx, func(*config) error { return nil }, good)
		update(e.ctx, bump, good)
		leave()
		for st.Queued() > waiting-1 {
			time.Sleep(time.Millisecond)
		}
		release()
		group.Wait()
		if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != 4 || got.Processes[0] != "systemd*" || got.Labels != nil {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestCombinedAliases: what a function put into its copy stays its caller's.
func TestCombinedAliases(t *testing.T) {
	eachStore(t, func(e *env) {
		st, _, release := busy(e)
		mine := []string{"mine", "alone"}
		var group sync.WaitGroup
		group.Go(func() {
			_, err := st.Update(e.ctx, func(c *config) error { c.Processes = mine; return nil })
			if err != nil || mine[0] != "mine" {
				e.Errorf("%v, %v", mine, err)
			}
		})
		st.AwaitQueued(1)
		group.Go(func() {
			if _, err := st.Update(e.ctx, func(c *config) error { c.Processes[0] = "theirs"; return nil }); err != nil {
				e.Error(err)
			}
		})
		st.AwaitQueued(2)
		release()
		group.Wait()
		if got, err := st.Read(); err != nil || got.Processes[0] != "theirs" || got.Processes[1] != "alone" {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// loose is a type that is copied by encoding and decoding it.
type loose struct {
	Names []string       `json:"names"`
	Extra map[string]any `json:"extra"`
}

// TestComingAlong: who comes while the functions of a batch run is part of it, gets a
// copy of its own, and finds nothing there of those that failed.
func TestComingAlong(t *testing.T) {
	eachStore(t, func(e *env) {
		st, err := zkstate.Open(e.ctx, e.handle(), "/app/loose", loose{Names: []string{"a"}, Extra: map[string]any{"n": 1.0}})
		if err != nil {
			e.Fatal(err)
		}
		defer closeState(e.T, st)
		mine := map[string]any{"mine": []any{"x"}}
		versions := make([]zkstate.Version, 3)
		var group sync.WaitGroup
		add := func(i int, want error, fn func(*loose) error) {
			group.Go(func() {
				var err error
				if versions[i], err = st.Update(e.ctx, fn); err != want {
					e.Errorf("update %d: %v", i, err)
				}
			})
		}
		add(0, nil, func(v *loose) error {
			v.Extra = mine
			add(1, errOwn, func(v *loose) error {
				v.Names[0] = "spoilt"
				v.Extra["mine"].([]any)[0] = "spoilt"
				return errOwn
			})
			st.AwaitQueued(1)
			add(2, nil, func(v *loose) error {
				v.Names = append(v.Names, "b")
				v.Extra["mine"].([]any)[0] = "y"
				return nil
			})
			st.AwaitQueued(2)
			return nil
		})
		group.Wait()
		if versions[0] != versions[2] || versions[0].IsZero() || !versions[1].IsZero() {
			e.Errorf("versions %v", versions)
		}
		got, err := st.Read()
		want := loose{Names: []string{"a", "b"}, Extra: map[string]any{"mine": []any{"y"}}}
		if err != nil || !reflect.DeepEqual(got, want) || mine["mine"].([]any)[0] != "x" {
			e.Errorf("%+v, %v; the first one's is %v", got, err, mine)
		}
	})
}

// TestAloneAmongOthers: a condition holds for the update that made it, and for no
// other one in the line.
func TestAloneAmongOthers(t *testing.T) {
	eachStore(t, func(e *env) {
		st, _, release := busy(e)
		snap, err := st.Snapshot()
		if err != nil {
			e.Fatal(err)
		}
		var group sync.WaitGroup
		for i, opts := range [][]zkstate.UpdateOption{nil, {zkstate.IfVersion(snap.Version)}, nil} {
			group.Go(func() {
				if _, err := st.Update(e.ctx, bump, opts...); errors.Is(err, zkstate.ErrConflict) != (i == 1) {
					e.Errorf("update %d: %v", i, err)
				}
			})
			st.AwaitQueued(i + 1)
		}
		release()
		group.Wait()
		if got, err := st.Read(); err != nil || got.Interval != 4 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestCombinedTooLarge: one of those that share a commit makes it too large. That is
// its own business.
func TestCombinedTooLarge(t *testing.T) {
	eachStore(t, func(e *env) {
		st, _, release := busy(e)
		var group sync.WaitGroup
		var refused atomic.Int64
		for i := range 5 {
			group.Go(func() {
				_, err := st.Update(e.ctx, func(c *config) error {
					if i == 2 {
						c.Labels = map[string]string{"large": strings.Repeat("x", store.MaxCommit)}
					}
					return bump(c)
				})
				switch {
				case errors.Is(err, zkstate.ErrTooLarge) && i == 2:
					refused.Add(1)
				case err != nil || i == 2:
					e.Errorf("update %d: %v", i, err)
				}
			})
			st.AwaitQueued(i + 1)
		}
		release()
		group.Wait()
		if got, err := st.Read(); err != nil || got.Interval != 6 || refused.Load() != 1 {
			e.Errorf("%d, %v", got.Interval, err)
		}
	})
}

// TestLeavingMidCommit: whose context ends while the commit is under way is told
// that the outcome is not known, and the others get theirs.
func TestLeavingMidCommit(t *testing.T) {
	eachStore(t, func(e *env) {
		st, faults, release := busy(e)
		ctx, leave := context.WithCancel(e.ctx)
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := st.Update(ctx, bump); !errors.Is(err, zkstate.ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
				e.Errorf("who left is told %v", err)
			}
		})
		st.AwaitQueued(1)
		stays := make(chan error, 1)
		go func() {
			_, err := st.Update(e.ctx, bump)
			stays <- err
		}()
		st.AwaitQueued(2)
		sent, goOn := make(chan struct{}), make(chan struct{})
		faults.BeforeCommit(func() { close(sent); <-goOn })
		release()
		<-sent
		leave()
		group.Wait()
		close(goOn)
		if err := <-stays; err != nil {
			e.Error(err)
		}
		if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != 4 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestLeavingBeforeTheCommit: whose context ends after its function ran, while those of
// others still do, is told that nothing was written, and nothing of it is.
func TestLeavingBeforeTheCommit(t *testing.T) {
	eachStore(t, func(e *env) {
		st, _, release := busy(e)
		ctx, leave := context.WithCancel(e.ctx)
		left := make(chan error, 1)
		go func() {
			_, err := st.Update(ctx, func(c *config) error {
				c.Processes = append(c.Processes, "left")
				return nil
			})
			left <- err
		}()
		st.AwaitQueued(1)
		var told error
		stays := make(chan error, 1)
		go func() {
			var once sync.Once
			_, err := st.Update(e.ctx, func(c *config) error {
				once.Do(func() { leave(); told = <-left })
				return bump(c)
			})
			stays <- err
		}()
		st.AwaitQueued(2)
		release()
		if err := <-stays; err != nil {
			e.Error(err)
		}
		if !errors.Is(told, context.Canceled) || errors.Is(told, zkstate.ErrUnknownOutcome) {
			e.Errorf("who left is told %v", told)
		}
		if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != 3 || len(got.Processes) != 2 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// lockWatcher is a store that counts the locks that are taken, and keeps the last.
type lockWatcher struct {
	store.Store
	taken atomic.Int64
	last  atomic.Value // store.Lock
}

func (w *lockWatcher) Lock(ctx context.Context, path, id string) (store.Lock, error) {
	lock, err := w.Store.Lock(ctx, path, id)
	if err == nil {
		w.taken.Add(1)
		w.last.Store(&lock)
	}
	return lock, err
}

// TestQueueingAfterALoss: as long as nobody else commits there is no lock. Who lost to
// another takes its place in the queue.
func TestQueueingAfterALoss(t *testing.T) {
	eachStore(t, func(e *env) {
		locks := &lockWatcher{Store: e.handle()}
		faults := storetest.Inject(locks)
		st, rival := openOn(e, faults), e.open()
		for range 3 {
			if _, err := st.Update(e.ctx, bump); err != nil {
				e.Fatal(err)
			}
		}
		if n := locks.taken.Load(); n != 0 {
			e.Errorf("%d locks with nobody else there", n)
		}
		faults.BeforeCommit(func() {
			if _, err := rival.Update(e.ctx, bump); err != nil {
				e.Error(err)
			}
		})
		if _, err := st.Update(e.ctx, bump); err != nil {
			e.Fatal(err)
		}
		if n := locks.taken.Load(); n != 1 {
			e.Errorf("%d locks after a loss", n)
		}
		if got, err := st.Read(); err != nil || got.Interval != 6 {
			e.Errorf("%+v, %v", got, err)
		}
	})
}

// TestLockLostMidway: the place in the queue is removed by somebody before the commit
// that relies on it. The commit is refused, and made again from a new place.
func TestLockLostMidway(t *testing.T) {
	eachStore(t, func(e *env) {
		locks := &lockWatcher{Store: e.handle()}
		faults := storetest.Inject(locks)
		st := openOn(e, faults)
		faults.BeforeCommit(func() {
			if err := (*locks.last.Load().(*store.Lock)).Unlock(e.ctx); err != nil {
				e.Error(err)
			}
		})
		if _, err := st.Update(e.ctx, bump, zkstate.Exclusive()); err != nil {
			e.Fatal(err)
		}
		if got, err := st.Read(); err != nil || got.Interval != 2 || locks.taken.Load() != 2 {
			e.Errorf("%+v, %v, after %d locks", got, err, locks.taken.Load())
		}
	})
}

// TestTurns: instances that contend all get their turn.
func TestTurns(t *testing.T) {
	eachStore(t, func(e *env) {
		const instances, each = 6, 30
		var group sync.WaitGroup
		for range instances {
			st := e.open()
			group.Go(func() {
				for range each {
					if _, err := st.Update(e.ctx, bump); err != nil {
						e.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		if got, err := e.open().Read(); err != nil || got.Interval != 1+instances*each {
			e.Errorf("%+v, %v", got, err)
		}
		s := e.handle()
		e.eventually("the queue is empty", func() bool {
			lock, err := s.Lock(e.ctx, "/app/config", "after")
			if err == nil {
				err = lock.Unlock(e.ctx)
			}
			if err != nil {
				e.Fatal(err)
			}
			return !lock.Waited()
		})
	})
}

// TestExclusive: no two functions run at the same time, in whatever instance.
func TestExclusive(t *testing.T) {
	eachStore(t, func(e *env) {
		const instances, goroutines, each = 3, 2, 8
		var inside, ran atomic.Int64
		var group sync.WaitGroup
		for range instances {
			st := e.open()
			for range goroutines {
				group.Go(func() {
					for range each {
						_, err := st.Update(e.ctx, func(c *config) error {
							if n := inside.Add(1); n > 1 {
								e.Errorf("%d at a time", n)
							}
							ran.Add(1)
							defer inside.Add(-1)
							return bump(c)
						}, zkstate.Exclusive())
						if err != nil {
							e.Error(err)
						}
					}
				})
			}
		}
		group.Wait()
		if got, err := e.open().Read(); err != nil || got.Interval != 1+instances*goroutines*each || ran.Load() != int64(got.Interval-1) {
			e.Errorf("%+v after %d runs, %v", got, ran.Load(), err)
		}
		ctx, cancel := context.WithTimeout(e.ctx, 50*time.Millisecond)
		defer cancel()
		lock, err := e.handle().Lock(e.ctx, "/app/config", "me")
		if err != nil {
			e.Fatal(err)
		}
		st := e.open()
		if _, err := st.Update(ctx, bump, zkstate.Exclusive()); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, zkstate.ErrUnknownOutcome) {
			e.Errorf("the lock is held, and an exclusive update says %v", err)
		}
		if _, err := st.Update(e.ctx, bump); err != nil {
			e.Errorf("one that does not ask for it: %v", err)
		}
		if err := lock.Unlock(e.ctx); err != nil {
			e.Fatal(err)
		}
		if _, err := st.Update(e.ctx, bump, zkstate.Exclusive()); err != nil {
			e.Error(err)
		}
	})
}
