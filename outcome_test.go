package zkstate_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// inMemory is one test on memory, of which all handles are made by wrap.
func inMemory(t *testing.T, wrap func(store.Store) store.Store) (*env, *memstore.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	first := memstore.New()
	return &env{T: t, ctx: ctx, handle: func() store.Store { return wrap(first.Attach()) }}, first
}

func plain(s store.Store) store.Store { return s }

// caller is one call of Update that runs, and how to leave it.
type caller struct {
	leave context.CancelFunc
	told  chan error
}

// call has an update wait as the n-th of a State that is busy.
func call(e *env, st *zkstate.State[config], n int, fn func(*config) error) caller {
	ctx, cancel := context.WithCancel(e.ctx)
	e.Cleanup(cancel)
	c := caller{cancel, make(chan error, 1)}
	go func() {
		_, err := st.Update(ctx, fn)
		c.told <- err
	}()
	st.AwaitQueued(n)
	return c
}

// is waits for what a caller is told.
func (c caller) is(e *env, what string, good func(error) bool) {
	e.Helper()
	select {
	case err := <-c.told:
		if !good(err) {
			e.Errorf("%s is told %v", what, err)
		}
	case <-e.ctx.Done():
		e.Fatalf("%s is told nothing", what)
	}
}

func nothingWritten(err error) bool {
	return errors.Is(err, context.Canceled) && errors.Is(err, zkstate.ErrUnavailable) && !errors.Is(err, zkstate.ErrUnknownOutcome) &&
		strings.Contains(err.Error(), "nothing was written")
}

func unknown(err error) bool { return errors.Is(err, zkstate.ErrUnknownOutcome) }

func noop(*config) error { return nil }

// hold makes the next commit of a store wait until release is called.
func hold(faults *storetest.Faults) (sent <-chan struct{}, release func()) {
	arrived, proceed := make(chan struct{}), make(chan struct{})
	faults.BeforeCommit(func() { close(arrived); <-proceed })
	return arrived, sync.OnceFunc(func() { close(proceed) })
}

// heldLoads is a store whose loads wait while hold is there.
type heldLoads struct {
	store.Store
	mu   sync.Mutex // guards hold
	hold chan struct{}
	came chan struct{} // has room for one
}

func (h *heldLoads) set(hold chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hold = hold
}

func (h *heldLoads) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	h.mu.Lock()
	hold := h.hold
	h.mu.Unlock()
	if hold != nil {
		select {
		case h.came <- struct{}{}:
		default:
		}
		<-hold
	}
	return h.Store.Load(ctx, path, known, mode)
}

// TestRefusedIsNotUnknown: a commit of two is refused, and who leaves before the next
// attempt is told that nothing was written.
func TestRefusedIsNotUnknown(t *testing.T) {
	loads := &heldLoads{came: make(chan struct{}, 1)}
	e, mem := inMemory(t, func(s store.Store) store.Store { loads.Store = s; return loads })
	st, faults, release := busy(e)
	leaves, stays := call(e, st, 1, bump), call(e, st, 2, bump)
	held := make(chan struct{})
	faults.BeforeCommit(func() {
		raw{e, mem}.put(`{"interval":10}`)
		loads.set(held)
	})
	release()
	<-loads.came // to see why it was refused
	leaves.leave()
	leaves.is(e, "who left after a refusal", nothingWritten)
	loads.set(nil)
	close(held)
	stays.is(e, "who stayed", good)
	if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != 11 {
		e.Errorf("%+v, %v", got, err)
	}
}

// TestNoPartInWhatIsUnknown: whose function changed nothing leaves while the others' commit
// is under way. If it is the last to leave, it is not kept waiting either.
func TestNoPartInWhatIsUnknown(t *testing.T) {
	for _, all := range []bool{false, true} {
		e, _ := inMemory(t, plain)
		st, faults, release := busy(e)
		changes, looks := call(e, st, 1, bump), call(e, st, 2, noop)
		sent, goOn := hold(faults)
		faults.LoseReply()
		release()
		<-sent
		if all {
			changes.leave()
			changes.is(e, "who left its change", func(err error) bool {
				snap, _ := st.Snapshot()
				return unknown(err) && strings.Contains(err.Error(), snap.Version.String())
			})
		}
		looks.leave()
		looks.is(e, "who changed nothing", nothingWritten)
		goOn()
		if !all {
			changes.is(e, "whose answer was lost", unknown)
		}
		if _, err := st.Update(e.ctx, bump); err != nil {
			e.Error(err)
		}
	}
}

// TestNeighboursTroubleIsNotMine: the answer to others' changes was lost. Whose function
// changed nothing tries again, and leaves before that has come to an end.
func TestNeighboursTroubleIsNotMine(t *testing.T) {
	loads := &heldLoads{came: make(chan struct{}, 1)}
	e, _ := inMemory(t, func(s store.Store) store.Store { loads.Store = s; return loads })
	st, faults, release := busy(e)
	changes, looks := call(e, st, 1, bump), call(e, st, 2, noop)
	held := make(chan struct{})
	faults.BeforeCommit(func() { loads.set(held) })
	faults.LoseReply()
	release()
	changes.is(e, "whose answer was lost", unknown)
	<-loads.came // to see whether the copy is the latest
	looks.leave()
	looks.is(e, "who changed nothing", nothingWritten)
	loads.set(nil)
	close(held)
}

// gated is a type whose Validate waits while there is a gate.
type gated struct {
	N int `json:"n"`
}

var gate atomic.Pointer[chan struct{}]

func (*gated) Validate() error {
	if wait := gate.Load(); wait != nil {
		<-*wait
	}
	return nil
}

// gating is a store that closes the gate when an update was applied.
type gating struct {
	store.Store
	gate chan struct{}
}

func (g gating) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	versions, err := g.Store.Commit(ctx, ops...)
	if _, put := ops[0].(store.Put); put {
		gate.Store(&g.gate)
	}
	return versions, err
}

// TestAppliedIsNotUnknown: the store has said that the commit was applied, and the State is
// still at work on what it made when the context of one of its callers ends.
func TestAppliedIsNotUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gating{memstore.New(), make(chan struct{})}
		st, err := zkstate.Open(t.Context(), g, "/app/gated", gated{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		told := make(chan error, 2)
		update := func(ctx context.Context, fn func()) {
			_, err := st.Update(ctx, func(g *gated) error { g.N++; fn(); return nil })
			told <- err
		}
		along := make(chan struct{})
		go update(ctx, func() { <-along })
		synctest.Wait()
		go update(t.Context(), func() {})
		synctest.Wait()
		close(along)
		synctest.Wait()
		leave()
		synctest.Wait()
		gate.Store(nil)
		close(g.gate)
		for range 2 {
			if err := <-told; err != nil {
				t.Error(err)
			}
		}
		closeState(t, st)
	})
}

// detached is a store whose commits do not end with their context.
type detached struct{ store.Store }

func (d detached) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	return d.Store.Commit(context.WithoutCancel(ctx), ops...)
}

// TestClosedMidCommit: Close ends a call whose commit is under way. It says both.
func TestClosedMidCommit(t *testing.T) {
	e, _ := inMemory(t, plain)
	faults := storetest.Inject(detached{e.handle()})
	st := openOn(e, faults)
	sent, goOn := hold(faults)
	faults.LoseReply()
	first := call(e, st, 0, bump)
	<-sent
	closed := make(chan error, 1)
	go func() { closed <- st.Close() }()
	e.eventually("it is closed", func() bool { return errors.Is(st.Health().Err, zkstate.ErrClosed) })
	goOn()
	first.is(e, "whose State was closed", func(err error) bool { return unknown(err) && errors.Is(err, zkstate.ErrClosed) })
	if err := <-closed; err != nil {
		e.Error(err)
	}
}

func good(err error) bool { return err == nil }
