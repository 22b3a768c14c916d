package zkstate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// picky is a struct that refuses what the others take.
type picky struct {
	Interval int `json:"interval"`
}

func (p *picky) Validate() error {
	if p.Interval == 13 {
		return errors.New("it brings bad luck")
	}
	return nil
}

func (e *env) openPicky(id string, opts ...zkstate.OpenOption) *zkstate.State[picky] {
	e.Helper()
	st, err := zkstate.Open(e.ctx, e.handle(), "/app/config", picky{}, append(opts, zkstate.WithID(id))...)
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { closeState(e.T, st) })
	return st
}

func set(n int) func(*config) error {
	return func(c *config) error { c.Interval = n; return nil }
}

// TestWaitAll: when the call returns, the others serve the new version; and who
// does not is named.
func TestWaitAll(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open()
		if _, err := st.Update(e.ctx, bump, zkstate.WaitAll()); err != nil {
			e.Errorf("with nobody else there: %v", err)
		}
		one, two := e.openPicky("one"), e.openPicky("two")
		for i := range 3 {
			if _, err := st.Update(e.ctx, set(100+i), zkstate.WaitAll()); err != nil {
				e.Fatal(err)
			}
			for _, other := range []*zkstate.State[picky]{one, two} {
				if got, err := other.Read(); err != nil || got.Interval != 100+i {
					e.Errorf("%s serves %+v, %v", other.ID(), got, err)
				}
			}
		}
		if _, err := st.Update(e.ctx, set(200), zkstate.WaitFor(1)); err != nil {
			e.Error(err)
		}

		v, err := st.Update(e.ctx, set(13), zkstate.WaitAll()) // returns without a bound of time
		var not *zkstate.NotAppliedError
		if !errors.Is(err, zkstate.ErrNotApplied) || !errors.As(err, &not) {
			e.Fatalf("both refuse it: %v", err)
		}
		if len(not.Rejected) != 2 || not.Rejected[0].ID != "one" || not.Rejected[0].Reason != "it brings bad luck" || len(not.Silent) != 0 || not.Version != v {
			e.Errorf("%+v", not)
		}
		if got, err := st.Read(); err != nil || got.Interval != 13 {
			e.Errorf("it is committed all the same: %+v, %v", got, err)
		}
		if _, err := st.Update(e.ctx, set(14), zkstate.WaitAll()); err != nil {
			e.Errorf("healed: %v", err)
		}

		three := e.openPicky("three", zkstate.Quiet())
		_, err = st.Update(e.ctx, set(15), zkstate.WaitAll(), zkstate.WaitTimeout(3*time.Second))
		if !errors.As(err, &not) || !errors.Is(err, context.DeadlineExceeded) {
			e.Fatalf("one says nothing: %v", err)
		}
		if len(not.Silent) != 1 || not.Silent[0].ID != three.ID() || len(not.Applied) != 2 {
			e.Errorf("%+v", not)
		}
		_, err = st.Update(e.ctx, set(16), zkstate.WaitFor(3), zkstate.WaitTimeout(time.Second))
		if !errors.Is(err, zkstate.ErrNotApplied) {
			e.Errorf("two of three: %v", err)
		}
		if _, err = st.Update(e.ctx, set(17), zkstate.WaitFor(2)); err != nil {
			e.Error(err)
		}
	})
}

// silenced opens a State whose store hangs, so that it says nothing, until it is told to
// go on.
func (e *env) silenced(id string) (st *zkstate.State[config], goOn func()) {
	e.Helper()
	faults := storetest.Inject(e.handle())
	st = openOn(e, faults, zkstate.WithID(id))
	faults.Hang(true)
	e.Cleanup(func() { faults.Hang(false) })
	return st, func() { faults.Hang(false) }
}

// waits updates in the background, until all have applied it, and returns when it is
// committed.
func (e *env) waits(st *zkstate.State[config]) <-chan error {
	e.Helper()
	before, _ := st.Snapshot()
	done := make(chan error, 1)
	go func() {
		_, err := st.Update(e.ctx, bump, zkstate.WaitAll())
		done <- err
	}()
	e.eventually("it is committed", func() bool { now, _ := st.Snapshot(); return now.Version != before.Version })
	return done
}

func (e *env) wantApplied(done <-chan error, why string) {
	e.Helper()
	select {
	case err := <-done:
		if err != nil {
			e.Errorf("%s: %v", why, err)
		}
	case <-time.After(patience):
		e.Fatalf("%s, and it is still waited for", why)
	}
}

// TestWaitAllMeanwhile: listeners come, close and go on while they are waited for.
func TestWaitAllMeanwhile(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open(zkstate.WithID("waits"))
		slow, goOn := e.silenced("slow")
		closes, let := e.silenced("closes")
		done := e.waits(st)
		e.open(zkstate.WithID("comes"))
		let()
		closeState(e.T, closes)
		if len(done) > 0 {
			e.Error("one has said nothing, and it is not waited for")
		}
		goOn()
		e.wantApplied(done, "the last one goes on")
		if v, _ := st.Snapshot(); servesOlder(slow, v.Version) {
			e.Error("it serves something older")
		}
	})
}

// TestWaitAllOverACut: the waiter's connection, and with it the watch of the records,
// is lost while it waits.
func TestWaitAllOverACut(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	direct := *b.env
	direct.handle = func() store.Store { return zkOn(t, 4*time.Second, b.server) }
	_, goOn := direct.silenced("slow")
	done := b.waits(b.st)
	for range 3 {
		b.net.Cut()
		b.write(1) // the others report meanwhile
	}
	b.net.SetMode(netfault.Refuse)
	b.net.Cut()
	goOn()
	b.eventually("it has said what it applied", func() bool {
		found, err := b.writer.Listeners(b.ctx)
		v, _ := b.writer.Snapshot()
		return err == nil && slices.ContainsFunc(found, func(l zkstate.Listener) bool { return l.ID == "slow" && l.Applied == v.Version })
	})
	b.net.SetMode(netfault.Pass)
	b.wantApplied(done, "it reported while the waiter was cut off")
}

// TestWaitAllInTheDark: if the records cannot be read in the end, that is what the error
// says, and not that nobody is there.
func TestWaitAllInTheDark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		faults := storetest.Inject(mem.Attach())
		st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		var waited error
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, waited = st.Update(t.Context(), bump, zkstate.WaitFor(1), zkstate.WaitTimeout(5*time.Second))
		}()
		synctest.Wait()
		faults.Fail(store.ErrUnavailable)
		if err := mem.Announce(t.Context(), "/app/config", "comes", []byte(`{"status":"applied"}`)); err != nil {
			t.Fatal(err)
		}
		<-done
		if !errors.Is(waited, zkstate.ErrNotApplied) || !errors.Is(waited, context.DeadlineExceeded) || !strings.Contains(waited.Error(), "it cannot be seen who listens (") {
			t.Errorf("%v", waited)
		}
		faults.Fail(nil)
		closeState(t, st)
	})
}
