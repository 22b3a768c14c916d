package zkstate_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// told is a tracer that keeps what it is told.
type told struct {
	mu     sync.Mutex // guards all below
	events []string
	ended  []string
}

func (t *told) StartUpdate(_ context.Context, call zkstate.TracedUpdate) zkstate.UpdateSpan {
	return toldOf{t, call.Verb}
}

type toldOf struct {
	*told
	verb string
}

func (t toldOf) Event(e zkstate.TraceEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, string(e.Kind))
}

func (t toldOf) End(result zkstate.UpdateResult, _ zkstate.Version, _ error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = append(t.ended, t.verb+" "+string(result))
}

// TestStats: every way in which an update ends is counted as what it is, and traced so.
func TestStats(t *testing.T) {
	eachStore(t, func(e *env) {
		tracer := &told{}
		st := e.open(zkstate.WithTracer(tracer))
		other := e.open()
		update := func(ctx context.Context, fn func(*config) error, opts ...zkstate.UpdateOption) zkstate.Version {
			version, _ := st.Update(ctx, fn, opts...)
			return version
		}
		first := update(e.ctx, bump)
		update(e.ctx, bump)
		update(e.ctx, noop)
		update(e.ctx, func(*config) error { return zkstate.ErrUnavailable }) // its own error, whatever it is
		update(e.ctx, func(c *config) error { c.Interval = -1; return nil })
		func() {
			defer func() { _ = recover() }()
			update(e.ctx, func(*config) error { panic("mine") })
		}()
		update(e.ctx, bump, zkstate.IfVersion(first))
		update(e.ctx, func(c *config) error { c.Processes = []string{string(make([]byte, store.MaxCommit))}; return nil })
		ended, cancel := context.WithCancel(e.ctx)
		cancel()
		update(ended, bump)
		moved := false
		update(e.ctx, func(c *config) error {
			if !moved {
				moved = true
				if _, err := other.Update(e.ctx, bump); err != nil {
					e.Fatal(err)
				}
			}
			return bump(c)
		})
		_ = st.Delete(e.ctx)

		s := st.Stats()
		want := map[zkstate.UpdateResult]uint64{
			zkstate.UpdateCommitted: 4, zkstate.UpdateUnchanged: 1, zkstate.UpdateFailed: 3, zkstate.UpdateConflict: 1,
			zkstate.UpdateRefused: 1, zkstate.UpdateUnavailable: 1, zkstate.UpdateLocked: 0, zkstate.UpdateUnknown: 0,
		}
		if !maps.Equal(s.Updates, want) {
			e.Errorf("updates: %v, want %v", s.Updates, want)
		}
		if s.Commits != 4 || s.Conflicts == 0 || s.Queued != 0 || s.Condition != zkstate.ConditionDeleted || s.Serves || !s.Version.IsZero() {
			e.Errorf("%+v", s)
		}
		if s.Path != "/app/config" || s.Listener != st.ID() || s.Looks == 0 || s.Reports == 0 || s.MaxStaleness != zkstate.DefaultMaxStaleness {
			e.Errorf("%+v", s)
		}
		counted := make(map[zkstate.UpdateResult]uint64)
		for _, end := range tracer.ended {
			for _, result := range zkstate.UpdateResults() {
				if end == "update "+string(result) || end == "delete "+string(result) {
					counted[result]++
				}
			}
		}
		for result, n := range want {
			if counted[result] != n {
				e.Errorf("%d spans ended as %s, want %d", counted[result], result, n)
			}
		}
	})
}

// TestStatsOfHandles: all handles count what they do.
func TestStatsOfHandles(t *testing.T) {
	eachStore(t, func(e *env) {
		s := e.handle()
		openOn(e, s)
		measured, ok := s.(store.Measured)
		if !ok {
			e.Fatalf("%T counts nothing", s)
		}
		e.eventually("it is counted", func() bool {
			stats := measured.Stats()
			memory := e.tool == nil
			return stats.Connected && stats.Followed == 1 && (memory || stats.Requests > 0 && stats.Rounds > 0 && stats.RoundTime > 0 && stats.Server != "")
		})
	})
}

// TestUnknownIsCounted: an update whose answer is lost is no commit that is known of.
func TestUnknownIsCounted(t *testing.T) {
	e, _ := inMemory(t, plain)
	faults := storetest.Inject(e.handle())
	tracer := &told{}
	st := openOn(e, faults, zkstate.WithTracer(tracer))
	faults.LoseReply()
	if _, err := st.Update(e.ctx, bump); !unknown(err) {
		t.Fatal(err)
	}
	if s := st.Stats(); s.Updates[zkstate.UpdateUnknown] != 1 || s.Commits != 0 || s.Queued != 0 {
		t.Errorf("%+v", s)
	}
	if !slices.Equal(tracer.ended, []string{"update unknown"}) || !slices.Equal(tracer.events, []string{"commit"}) {
		t.Errorf("%v, %v", tracer.events, tracer.ended)
	}
}

// TestReplacedIsCounted: a replaced history is counted, and a version of it that is
// rejected.
func TestReplacedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := memstore.New()
		s := &restorable{Store: unconfirming{first}}
		s.now.Store(first)
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		defer closeState(t, st)
		other := memstore.New()
		if _, err := other.Commit(t.Context(), store.Create{Path: "/app/config", Data: []byte("{")}); err != nil {
			t.Fatal(err)
		}
		s.now.Store(other)
		time.Sleep(time.Minute)
		if stats := st.Stats(); stats.Replacements != 1 || stats.Rejections != 1 || stats.Condition != zkstate.ConditionRejected {
			t.Errorf("%+v", stats)
		}
	})
}

// TestUnreported: the record is behind until it is written.
func TestUnreported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		defer closeState(t, st)
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Fatal(err)
		}
		if !st.Stats().Unreported {
			t.Error("the record is said to be up to date at once")
		}
		time.Sleep(5 * time.Second)
		if s := st.Stats(); s.Unreported || s.CopyAge != 5*time.Second || s.VerifiedAge > 5*time.Second {
			t.Errorf("%+v", s)
		}
	})
}
