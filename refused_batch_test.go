package zkstate_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// stingy refuses what says "huge".
type stingy struct {
	store.Store
	with error
}

func (p stingy) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	if slices.ContainsFunc(ops, func(op store.Op) bool {
		put, ok := op.(store.Put)
		return ok && strings.Contains(string(put.Data), "huge")
	}) {
		return nil, p.with
	}
	return p.Store.Commit(ctx, ops...)
}

// TestRefusedTogether: the store's refusal is that of the updates whose changes it refuses.
// Whoever changed nothing, or failed, hears what became of that.
func TestRefusedTogether(t *testing.T) {
	for _, test := range []struct{ refusal, others error }{
		{store.ErrQuota, nil}, {store.ErrDenied, nil}, {store.ErrTooLarge, nil},
		{store.ErrDamaged, store.ErrDamaged}, {store.ErrEphemeralParent, store.ErrEphemeralParent}, // of the document, not of a change
	} {
		t.Run(test.refusal.Error(), func(t *testing.T) { refuseTogether(t, test.refusal, test.others) })
	}
}

func refuseTogether(t *testing.T, refusal, others error) {
	s := memstore.New()
	defer s.Close()
	faults := storetest.Inject(stingy{s, refusal})
	st, err := zkstate.Open(t.Context(), faults, "/x", map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	started, proceed := make(chan struct{}), make(chan struct{})
	faults.BeforeCommit(func() { close(started); <-proceed })
	own := errors.New("own")
	var group sync.WaitGroup
	update := func(want error, fn func(*map[string]string) error) {
		group.Go(func() {
			if _, err := st.Update(t.Context(), fn); !errors.Is(err, want) {
				t.Errorf("told %v, not %v", err, want)
			}
		})
	}
	put := func(key string) func(*map[string]string) error {
		return func(m *map[string]string) error { (*m)[key] = key; return nil }
	}
	update(nil, put("first"))
	<-started
	for i, u := range []struct {
		want error
		fn   func(*map[string]string) error
	}{
		{nil, func(*map[string]string) error { return nil }}, {refusal, put("huge")}, {others, put("small")},
		{own, func(*map[string]string) error { return own }}, {nil, func(*map[string]string) error { return nil }},
	} {
		update(u.want, u.fn)
		st.AwaitQueued(i + 1)
	}
	close(proceed)
	group.Wait()
}

// TestRefusedAfterShared: a batch continues on what the one before it made. If the store refuses it, its functions run again,
// each alone, on that again, and nothing of the first time is left.
func TestRefusedAfterShared(t *testing.T) {
	mem := memstore.New()
	defer mem.Close()
	reached, proceed := make(chan struct{}), make(chan struct{})
	calls := 0
	s := &commits{Store: mem}
	st, err := zkstate.Open(t.Context(), s, "/x", map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s.commit = func(ctx context.Context, ops []store.Op) ([]store.Version, error) {
		if calls++; calls <= 2 {
			reached <- struct{}{}
			<-proceed
		}
		return stingy{mem, store.ErrQuota}.Commit(ctx, ops...)
	}
	var group sync.WaitGroup
	update := func(key string, want error) {
		group.Go(func() {
			_, err := st.Update(t.Context(), func(m *map[string]string) error { (*m)[key] += key; return nil })
			if !errors.Is(err, want) {
				t.Errorf("%s: told %v, not %v", key, err, want)
			}
		})
	}
	update("first", nil)
	<-reached
	for i, key := range []string{"a", "b"} {
		update(key, nil)
		st.AwaitQueued(i + 1)
	}
	proceed <- struct{}{}
	<-reached // a and b, together
	update("huge", store.ErrQuota)
	st.AwaitQueued(1)
	update("small", nil)
	st.AwaitQueued(2)
	proceed <- struct{}{}
	group.Wait()
	want := map[string]string{"first": "first", "a": "a", "b": "b", "small": "small"}
	if got, err := st.Read(); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestLastToLeave: the last caller who is there is told what became of the commit, though
// another one has panicked.
func TestLastToLeave(t *testing.T) {
	s := memstore.New()
	defer s.Close()
	faults := storetest.Inject(s)
	st, err := zkstate.Open(t.Context(), faults, "/x", ring{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	faults.Hang(true)
	faults.BeforeCommit(cancel)
	var group sync.WaitGroup
	group.Go(func() {
		defer func() { _ = recover() }()
		_, _ = st.Update(t.Context(), func(*ring) error {
			group.Go(func() {
				_, err := st.Update(ctx, func(r *ring) error { r.Next = new(ring); return nil })
				if !errors.Is(err, context.Canceled) || errors.Is(err, zkstate.ErrUnknownOutcome) {
					t.Errorf("told %v", err)
				}
			})
			st.AwaitQueued(1)
			panic("mine")
		})
	})
	group.Wait()
	faults.Hang(false)
}
