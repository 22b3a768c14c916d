package zkstate_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// distant is a store to which each load takes a round trip.
type distant struct {
	store.Store
	trip  time.Duration
	loads atomic.Int64
}

func (d *distant) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	d.loads.Add(1)
	pause(ctx, d.trip)
	return d.Store.Load(ctx, path, known, mode)
}

// followed is a State in fake time that notes how old each change is when it is told.
type followed struct {
	t     *testing.T
	mem   *memstore.Store
	far   *distant
	value int

	mu     sync.Mutex        // guards all below
	made   map[int]time.Time // when a value was committed
	delays []time.Duration
}

func follow(t *testing.T, trip time.Duration) *followed {
	mem := memstore.New()
	f := &followed{t: t, mem: mem, far: &distant{Store: mem.Attach(), trip: trip}, value: 1, made: make(map[int]time.Time)}
	st, err := zkstate.Open(t.Context(), f.far, "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeState(t, st) })
	st.OnChange(func(zkstate.ChangeSet) {
		snap, _ := st.Snapshot()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.delays = append(f.delays, time.Since(f.made[snap.Value.Interval]))
	})
	synctest.Wait()
	return f
}

// commit makes a change.
func (f *followed) commit() {
	f.value++
	f.mu.Lock()
	f.made[f.value] = time.Now()
	f.mu.Unlock()
	raw{&env{T: f.t, ctx: f.t.Context()}, f.mem}.put(fmt.Sprintf(`{"interval":%d}`, f.value))
}

// change makes n changes and returns how many sets were told, and how long the median of
// them took.
func (f *followed) change(n int, every time.Duration) (told int, took time.Duration) {
	f.mu.Lock()
	f.delays = nil
	f.mu.Unlock()
	for range n {
		time.Sleep(every)
		f.commit()
	}
	time.Sleep(time.Second)
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.delays)
	return len(f.delays), f.delays[len(f.delays)/2]
}

// TestNewsAreQuickAtEveryRate: a change is told after the round trip that a look takes, as
// long as that is a quarter of the time between two changes, also right after a burst.
func TestNewsAreQuickAtEveryRate(t *testing.T) {
	for _, every := range []time.Duration{4 * time.Millisecond, 8 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond} {
		for _, burst := range []int{0, 5000} {
			synctest.Test(t, func(t *testing.T) {
				f := follow(t, time.Millisecond)
				for range burst {
					time.Sleep(100 * time.Microsecond)
					f.commit()
				}
				if told, took := f.change(300, every); told < 200 || took > 1200*time.Microsecond {
					t.Errorf("a change each %v after a burst of %d: %d were told, half of them within %v", every, burst, told, took)
				}
			})
		}
	}
}

// TestBurstsAreFolded: where commits are made so fast that looks would take all the time, a
// State looks now and then.
func TestBurstsAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, time.Millisecond)
		before := f.far.loads.Load()
		f.change(10_000, 100*time.Microsecond) // for a second
		if n := f.far.loads.Load() - before; n < 15 || n > 40 {
			t.Errorf("%d looks in a second at 10,000 commits", n)
		}
	})
}

// hanging is a store whose commits hang until their context ends, while hang is set.
type hanging struct {
	store.Store
	hang atomic.Bool
}

func (h *hanging) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	if !h.hang.Load() {
		return h.Store.Commit(ctx, ops...)
	}
	<-ctx.Done()
	return nil, fmt.Errorf("commit: %w", ctx.Err())
}

// TestHungCommitDoesNotDelayNews: an own commit hangs. What others commit meanwhile is told
// at once, the first of it after a moment.
func TestHungCommitDoesNotDelayNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		h := &hanging{Store: mem.Attach()}
		e := &env{T: t, ctx: t.Context()}
		st := openOn(e, h)
		h.hang.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		told := make(chan error, 1)
		go func() {
			_, err := st.Update(ctx, bump)
			told <- err
		}()
		synctest.Wait()
		sets := st.Changes(ctx)
		for i := range 5 {
			began := time.Now()
			raw{e, mem}.put(fmt.Sprintf(`{"interval":%d}`, 10+i))
			for range sets {
				break
			}
			if took := time.Since(began); i == 0 && took > 20*time.Millisecond || i > 0 && took > 0 {
				t.Errorf("change %d was told after %v", i+1, took)
			}
		}
		if err := <-told; !errors.Is(err, zkstate.ErrUnavailable) {
			t.Errorf("the call whose commit hung is told %v", err)
		}
	})
}

// TestOriginOfAnEarlyLook: a look shows the State's own commit before the store has answered
// to it. The change set says whose it is.
func TestOriginOfAnEarlyLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := &answersLate{Store: memstore.New()}
		st, err := zkstate.Open(t.Context(), late, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		sets := st.Changes(t.Context())
		late.by = 50 * time.Millisecond
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Fatal(err)
		}
		for set := range sets {
			if set.Origin != st.ID() {
				t.Errorf("%+v", set)
			}
			break
		}
		closeState(t, st)
	})
}

// answersLate is a store that answers to commits some time after they were applied.
type answersLate struct {
	store.Store
	by time.Duration
}

func (a *answersLate) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	versions, err := a.Store.Commit(ctx, ops...)
	time.Sleep(a.by)
	return versions, err
}

// TestAbsenceIsConfirmedByTheHandle: who waits for a document to be created, or to be
// created or repaired again, does not ask for it again and again.
func TestAbsenceIsConfirmedByTheHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		faults := storetest.Inject(mem.Attach())
		e := &env{T: t, ctx: t.Context(), handle: func() store.Store { return mem }}
		idle := func(what string) {
			before, _ := faults.Calls()
			time.Sleep(20 * zkstate.DefaultRefresh)
			if after, _ := faults.Calls(); after != before {
				t.Errorf("%s: %d loads in 20 periods", what, after-before)
			}
		}
		opened := make(chan *zkstate.State[config])
		go func() {
			st, err := zkstate.Expect[config](t.Context(), faults, "/app/config")
			if err != nil {
				t.Error(err)
			}
			opened <- st
		}()
		synctest.Wait()
		idle("expected")
		r := e.raw()
		r.create(`{"interval":1}`)
		st := <-opened
		r.put(`{"interval":"one"}`)
		synctest.Wait()
		idle("rejected")
		if _, err := mem.Commit(t.Context(), store.Delete{Path: "/app/config", Base: r.load().Version}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		idle("deleted")
		if _, err := st.Read(); !errors.Is(err, zkstate.ErrDeleted) {
			t.Error(err)
		}
		closeState(t, st)
	})
}

// TestCachedCopyIsVerifiedAtOnce: a State that started from its cache does not wait for the
// next refresh to look.
func TestCachedCopyIsVerifiedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &env{T: t, ctx: t.Context()}
		mem, file := memstore.New(), filepath.Join(t.TempDir(), "cache")
		st := openOn(e, mem.Attach(), zkstate.WithCache(file))
		synctest.Wait()
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		st = openOn(e, mem.Attach(), zkstate.WithCache(file))
		began := time.Now()
		synctest.Wait()
		if got, err := st.Read(); err != nil || got.Interval != 1 || time.Since(began) > 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestWritersLookNowAndThen: a State that commits every other millisecond does not look at
// each of its commits.
func TestWritersLookNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := &distant{Store: memstore.New(), trip: 100 * time.Microsecond}
		st := openOn(&env{T: t, ctx: t.Context()}, far)
		before := far.loads.Load()
		for range 500 {
			time.Sleep(2 * time.Millisecond)
			if _, err := st.Update(t.Context(), bump); err != nil {
				t.Fatal(err)
			}
		}
		if n := far.loads.Load() - before; n > 60 {
			t.Errorf("%d looks at 500 commits in a second", n)
		}
	})
}
