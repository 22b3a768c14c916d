package zkstate

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// nosy is a type whose methods call called.
type nosy struct{ N int }

var (
	called atomic.Pointer[func(what string)]
	lie    atomic.Int64 // what MarshalJSON adds, as if the value had been written through
)

func calls(what string) {
	if fn := called.Load(); fn != nil {
		(*fn)(what)
	}
}

func (n nosy) MarshalJSON() ([]byte, error) {
	calls("MarshalJSON")
	return json.Marshal(n.N + int(lie.Load()))
}

func (n *nosy) UnmarshalJSON(text []byte) error {
	calls("UnmarshalJSON")
	return json.Unmarshal(text, &n.N)
}

func (n *nosy) Validate() error {
	calls("Validate")
	return nil
}

// nosyHandler is a logger's.
type nosyHandler struct{ slog.Handler }

func (nosyHandler) Enabled(context.Context, slog.Level) bool { return true }

func (nosyHandler) Handle(context.Context, slog.Record) error {
	calls("the logger")
	return nil
}

// TestUsersCodeRunsUnderNoLock: what the user's type, logger and callbacks do, and how long
// that takes, holds nobody up.
func TestUsersCodeRunsUnderNoLock(t *testing.T) {
	mem := memstore.New()
	st, err := Open(t.Context(), mem, "/doc", nosy{1},
		WithMutationDetector(func(error) { calls("DetectMutation's function") }), WithLogger(slog.New(nosyHandler{slog.DiscardHandler})))
	if err != nil {
		t.Fatal(err)
	}
	var seen sync.Map
	free := func(what string) {
		seen.Store(what, true)
		for name, mu := range map[string]*sync.Mutex{"publishing": &st.publishing, "the queue": &st.queue().mu, "the record": &st.own.mu, "the signals": &st.changed.mu} {
			got := make(chan struct{})
			go func() {
				mu.Lock()
				defer mu.Unlock()
				close(got)
			}()
			select {
			case <-got:
			case <-time.After(5 * time.Second):
				t.Errorf("%s runs under the lock of %s", what, name)
			}
		}
	}
	called.Store(&free)
	defer func() { called.Store(nil); lie.Store(0) }()
	told := make(chan struct{}, 10)
	st.OnChange(func(ChangeSet) { calls("OnChange's function"); told <- struct{}{} })
	v, err := st.Update(t.Context(), func(n *nosy) error { calls("Update's function"); n.N++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	<-told
	for range Select(t.Context(), st, func(n nosy) int { calls("Select's function"); return n.N }, Replay()) {
		break
	}
	lie.Store(1)
	versions, err := mem.Commit(t.Context(), store.Put{Path: "/doc", Base: v, Data: []byte("9")})
	if err != nil {
		t.Fatal(err)
	}
	<-told
	if _, err := mem.Commit(t.Context(), store.Put{Path: "/doc", Base: versions[0], Data: []byte(`{"bad`)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := st.ReadConsistent(t.Context()); err == nil {
		t.Error("read what is rejected")
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"MarshalJSON", "UnmarshalJSON", "Validate", "the logger", "DetectMutation's function", "OnChange's function", "Update's function", "Select's function"} {
		if _, ok := seen.Load(what); !ok {
			t.Errorf("%s never ran", what)
		}
	}
}
