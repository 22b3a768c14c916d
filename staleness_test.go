package zkstate_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// unconfirming is a store that never confirms what its watchers have, so that States have
// to look by themselves.
type unconfirming struct{ store.Store }

func (u unconfirming) Watch(path string, every time.Duration, hint func()) store.Watcher {
	return unconfirmed{u.Store.Watch(path, every, hint)}
}

type unconfirmed struct{ store.Watcher }

func (unconfirmed) Confirmed(store.Version) time.Time { return time.Time{} }

// lagging is a store whose server is behind the others: a local read shows what was
// there a while ago, and hints come as late. A linearizable one takes a round trip.
type lagging struct {
	store.Store
	lag, trip time.Duration

	mu    sync.Mutex // guards shown
	shown []showing  // what local reads will show, oldest first
}

type showing struct {
	rec store.Record
	err error
	at  time.Time
}

func (l *lagging) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	if mode == store.Linearizable {
		pause(ctx, l.trip/2)
		rec, err := l.Store.Load(ctx, path, known, mode)
		pause(ctx, l.trip/2)
		if ctx.Err() != nil {
			return store.Record{}, ctx.Err()
		}
		return rec, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	rec, err := l.Store.Load(ctx, path, store.Version{}, mode)
	l.shown = append(l.shown, showing{rec, err, time.Now()})
	for len(l.shown) > 1 && time.Since(l.shown[1].at) >= l.lag {
		l.shown = l.shown[1:]
	}
	return l.shown[0].rec, l.shown[0].err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// TestMaxStalenessWhereTheServerLags: every value that Read serves was the newest one
// at some moment within MaxStaleness, though the server that hints and looks go to is
// behind for longer than that, and the document changes all the time.
func TestMaxStalenessWhereTheServerLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 1500 * time.Millisecond
		mem := memstore.New()
		writer, err := zkstate.Open(t.Context(), mem.Attach(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		behind := &lagging{Store: unconfirming{mem.Attach()}, lag: 4 * time.Second, trip: 50 * time.Millisecond}
		st, err := zkstate.Open(t.Context(), behind, "/app/config", initial(), zkstate.WithMaxStaleness(bound))
		if err != nil {
			t.Fatal(err)
		}
		replaced := []time.Time{{}, time.Now()} // when the value of that index stopped being the newest
		served := 0
		for range 6000 {
			if _, err := writer.Update(t.Context(), bump); err != nil {
				t.Fatal(err)
			}
			replaced = append(replaced, time.Now())
			replaced[len(replaced)-2] = time.Now()
			time.Sleep(10 * time.Millisecond)
			got, err := st.Read()
			if err != nil {
				continue
			}
			served++
			if got.Interval < len(replaced)-1 && time.Since(replaced[got.Interval]) > bound {
				t.Fatalf("read %d, which has not been the newest for %v", got.Interval, time.Since(replaced[got.Interval]))
			}
		}
		if served < 5500 {
			t.Errorf("served %d of 6000 reads: it is not verified often enough", served)
		}
		closeState(t, st)
		closeState(t, writer)
	})
}

// modes records how a State asks.
type loadModes struct {
	store.Store
	mu           sync.Mutex // guards all below
	linearizable []time.Time
}

func (m *loadModes) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	m.mu.Lock()
	if mode != store.Local {
		m.linearizable = append(m.linearizable, time.Now())
	}
	m.mu.Unlock()
	return m.Store.Load(ctx, path, known, mode)
}

// TestHintsDoNotPutTheRefreshOff: a document that changes more often than it is
// refreshed is verified as often as any other, where the handle does not do it.
func TestHintsDoNotPutTheRefreshOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		writer, err := zkstate.Open(t.Context(), mem.Attach(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		asked := &loadModes{Store: unconfirming{mem.Attach()}}
		st, err := zkstate.Open(t.Context(), asked, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		const periods = 12
		for range periods * 5 {
			if _, err := writer.Update(t.Context(), bump); err != nil {
				t.Fatal(err)
			}
			time.Sleep(zkstate.DefaultRefresh / 5)
		}
		closeState(t, st)
		closeState(t, writer)
		if n := len(asked.linearizable); n < periods*3/4 || n > periods*3/2 {
			t.Errorf("%d linearizable looks in %d periods", n, periods)
		}
	})
}

// TestConsistentReadOverALongWay: the round trip takes longer than MaxStaleness. What a
// call that waits for it gets is as new as the call, and not too old for it.
func TestConsistentReadOverALongWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		far := &lagging{Store: unconfirming{mem.Attach()}, trip: 200 * time.Millisecond}
		st, err := zkstate.Open(t.Context(), far, "/app/config", initial(), zkstate.WithMaxStaleness(50*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		for range 3 {
			if got, _, err := st.ReadConsistent(ctx); err != nil || got.Interval != 1 {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if _, err := st.Read(); !errors.Is(err, zkstate.ErrStale) {
			t.Errorf("what left the store 100ms ago is read: %v", err)
		}
		closeState(t, st)
	})
}

// TestNothingIsAnsweredOnADeletedDocument: no change, an error of the function, and a
// rollback to what was there before the deletion are answers on the latest document.
// There is none.
func TestNothingIsAnsweredOnADeletedDocument(t *testing.T) {
	errOwn := errors.New("my own")
	eachStore(t, func(e *env) {
		for name, update := range map[string]func(*zkstate.State[config], zkstate.Version) (zkstate.Version, error){
			"no change": func(st *zkstate.State[config], _ zkstate.Version) (zkstate.Version, error) {
				return st.Update(e.ctx, func(*config) error { return nil })
			},
			"an own error": func(st *zkstate.State[config], _ zkstate.Version) (zkstate.Version, error) {
				return st.Update(e.ctx, func(*config) error { return errOwn })
			},
			"the same again": func(st *zkstate.State[config], v zkstate.Version) (zkstate.Version, error) {
				return st.Rollback(e.ctx, v)
			},
		} {
			other := e.open(zkstate.WithHistory(5)) // creates it
			faults := storetest.Inject(e.handle())
			faults.Mute()
			st := openOn(e, faults, zkstate.WithRefresh(time.Hour))
			v, err := st.Update(e.ctx, bump)
			if err != nil {
				e.Fatal(err)
			}
			if err := other.Delete(e.ctx); err != nil {
				e.Fatal(err)
			}
			if _, err := update(st, v); !errors.Is(err, zkstate.ErrDeleted) {
				e.Errorf("%s: %v", name, err)
			}
		}
	})
}
