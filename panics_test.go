package zkstate_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// panicking is a store with a fault of the worst kind, while on is set.
type panicking struct {
	store.Store
	on atomic.Bool
}

func (p *panicking) may() {
	if p.on.Load() {
		panic("a slice bound")
	}
}

func (p *panicking) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	p.may()
	return p.Store.Load(ctx, path, known, mode)
}

func (p *panicking) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	p.may()
	return p.Store.Commit(ctx, ops...)
}

func (p *panicking) Announce(ctx context.Context, path, id string, data []byte) error {
	p.may()
	return p.Store.Announce(ctx, path, id, data)
}

func (p *panicking) Withdraw(ctx context.Context, path, id string) error {
	p.may()
	return p.Store.Withdraw(ctx, path, id)
}

func (p *panicking) Queue(ctx context.Context, path string) ([]store.Waiter, error) {
	p.may()
	return p.Store.Queue(ctx, path)
}

func (p *panicking) Lock(ctx context.Context, path, id string) (store.Lock, error) {
	p.may()
	return p.Store.Lock(ctx, path, id)
}

// TestPanicsEndNothing: whatever panics below a State, the application goes on, calls
// get errors, and the State works again when the fault is gone.
func TestPanicsEndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		bad := &panicking{Store: unconfirming{mem.Attach()}}
		bad.on.Store(true)
		if _, err := zkstate.Open(t.Context(), bad, "/app/config", initial()); err == nil {
			t.Fatal("opened on a store that panics")
		}
		bad.on.Store(false)
		st, err := zkstate.Open(t.Context(), bad, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		bad.on.Store(true)
		time.Sleep(3 * zkstate.DefaultRefresh) // looks and reports panic
		if st.Health().Err == nil {
			t.Error("Health knows of nothing")
		}
		if _, err := st.Update(t.Context(), bump); !errors.Is(err, zkstate.ErrUnknownOutcome) {
			t.Errorf("an update whose commit panics: %v", err)
		}
		if _, err := st.Update(t.Context(), bump, zkstate.Exclusive()); err == nil || errors.Is(err, zkstate.ErrUnknownOutcome) {
			t.Errorf("an update whose lock panics: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := st.ReadConsistent(ctx); !errors.Is(err, zkstate.ErrUnavailable) {
			t.Errorf("a consistent read: %v", err)
		}
		bad.on.Store(false)
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Error(err)
		}
		if got, _, err := st.ReadConsistent(t.Context()); err != nil || got.Interval != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		bad.on.Store(true)
		if err := st.Close(); err == nil {
			t.Error("the record was not withdrawn, and Close says nothing")
		}
	})
}

// explosive is a type whose own encoding panics.
type explosive struct {
	Interval int
	armed    bool
}

func (x explosive) MarshalJSON() ([]byte, error) {
	if x.armed || x.Interval == 13 {
		panic("bad luck")
	}
	return []byte(`{}`), nil
}

// TestPanicsOfTheTypeEndNothing: methods of the type run on the State's goroutines, too.
func TestPanicsOfTheTypeEndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		if _, err := mem.Commit(t.Context(), store.Create{Path: "/app/config", Data: []byte(`{"Interval":13}`)}); err != nil {
			t.Fatal(err)
		}
		st, err := zkstate.Open(t.Context(), mem, "/app/config", explosive{armed: true}, zkstate.WithMutationDetector(func(error) { panic("mine") }))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * zkstate.DefaultRefresh)
		if got, err := st.Read(); err != nil || got.Interval != 13 {
			t.Errorf("%+v, %v", got, err)
		}
		closeState(t, st)
	})
}

// explosiveHandler is a log handler that panics whenever it is called, but for the first calls.
type explosiveHandler struct {
	good  int64
	calls *atomic.Int64
}

func (h explosiveHandler) call() {
	if h.calls.Add(1) > h.good {
		panic("the disk is full")
	}
}

func (h explosiveHandler) Enabled(context.Context, slog.Level) bool { h.call(); return true }

func (h explosiveHandler) Handle(context.Context, slog.Record) error { h.call(); return nil }

func (h explosiveHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h explosiveHandler) WithGroup(string) slog.Handler { return h }

// TestPanicsOfTheLogger: a log handler that panics, at whichever call, ends neither the
// application nor anything that the State does.
func TestPanicsOfTheLogger(t *testing.T) {
	var calls atomic.Int64
	for good := int64(0); good <= calls.Load(); good++ {
		calls.Store(0)
		synctest.Test(t, func(t *testing.T) { underExplosiveLogger(t, good, &calls) })
	}
	if calls.Load() < 10 {
		t.Errorf("the logger was called %d times", calls.Load())
	}
}

func underExplosiveLogger(t *testing.T, good int64, calls *atomic.Int64) {
	mem := memstore.New()
	bad := &panicking{Store: unconfirming{mem.Attach()}}
	st, err := zkstate.Open(t.Context(), bad, "/app/config", initial(), zkstate.WithLogger(slog.New(explosiveHandler{good, calls})))
	if err != nil {
		t.Fatal(err)
	}
	st.OnChange(func(zkstate.ChangeSet) { panic("mine") })
	if _, err := st.Update(t.Context(), bump); err != nil {
		t.Errorf("an update: %v", err)
	}
	bad.on.Store(true)
	time.Sleep(3 * zkstate.DefaultRefresh) // looks and reports panic, and that is logged
	bad.on.Store(false)
	time.Sleep(3 * zkstate.DefaultRefresh)
	for _, doc := range []string{`{"bad`, `{"Interval":7}`} {
		snap, _ := mem.Load(t.Context(), "/app/config", zkstate.Version{}, store.Linearizable)
		if _, err := mem.Commit(t.Context(), store.Put{Path: "/app/config", Base: snap.Version, Data: []byte(doc)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * zkstate.DefaultRefresh)
	}
	if got, err := st.Read(); err != nil || got.Interval != 7 {
		t.Errorf("it stopped following: %+v, %v", got, err)
	}
	v, err := st.Update(t.Context(), bump)
	if err != nil {
		t.Errorf("an update on a good document: %v", err)
	}
	time.Sleep(2 * zkstate.DefaultRefresh)
	if all, err := st.Listeners(t.Context()); err != nil || len(all) != 1 || all[0].Applied != v {
		t.Errorf("it stopped reporting: %+v, %v", all, err)
	}
	if err := st.Delete(t.Context()); err != nil { // which is logged while it is published
		t.Errorf("a deletion: %v", err)
	}
	closeState(t, st)
}

// badTracer is a tracer of an application that has a fault.
type badTracer struct{}

func (badTracer) StartUpdate(context.Context, zkstate.TracedUpdate) zkstate.UpdateSpan {
	return badTracer{}
}
func (badTracer) Event(zkstate.TraceEvent)                         { panic("no connection") }
func (badTracer) End(zkstate.UpdateResult, zkstate.Version, error) { panic("no connection") }

// TestPanicsOfTheTracer: what an application traces with does not decide what becomes of an update.
func TestPanicsOfTheTracer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		st, err := zkstate.Open(t.Context(), mem, "/app/config", initial(), zkstate.WithTracer(badTracer{}))
		if err != nil {
			t.Fatal(err)
		}
		other, err := zkstate.Open(t.Context(), mem.Attach(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Errorf("an update: %v", err)
		}
		lost := false
		_, err = st.Update(t.Context(), func(c *config) error { // loses to another instance, which is traced outside of the attempt
			if !lost {
				lost = true
				if _, err := other.Update(t.Context(), bump); err != nil {
					t.Error(err)
				}
			}
			return bump(c)
		})
		if err != nil {
			t.Errorf("an update that was tried again: %v", err)
		}
		if _, err := st.Update(t.Context(), bump, zkstate.Exclusive()); err != nil {
			t.Errorf("an update that waits for its turn: %v", err)
		}
		if err := st.Delete(t.Context()); err != nil {
			t.Errorf("a deletion: %v", err)
		}
		closeState(t, st)
		closeState(t, other)
	})
}
