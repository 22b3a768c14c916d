package zkstate_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// explosiveHandler is a log handler that panics whenever it is called, but for the first calls.
type explosiveHandler struct{ good, calls *atomic.Int64 }

func (h explosiveHandler) call() {
	if h.calls.Add(1) > h.good.Load() {
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
	limit := new(atomic.Int64)
	limit.Store(good)
	mem := memstore.New()
	bad := &panicking{Store: unconfirming{mem.Attach()}}
	st, err := zkstate.Open(t.Context(), bad, "/app/config", initial(), zkstate.WithLogger(slog.New(explosiveHandler{limit, calls})))
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
	closeState(t, st)
}
