package zkstate

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// TestStep holds what the door does with arrivals that come late, twice or out of
// order. A State at version 2, ticket 10, verified at second 100, gets one arrival.
func TestStep(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	v1, v2, v3 := store.NewVersion(1, 1, 0), store.NewVersion(1, 2, 1), store.NewVersion(1, 3, 2)
	refused := &RejectedError{Reason: "x"}
	good := &published[int]{snapshot: &snapshot[int]{value: 2, doc: []byte("2"), version: v2}, newest: v2, admitted: 10, verified: at(100)}
	rejected := *good
	rejected.newest, rejected.rejected = v3, refused
	deleted := &published[int]{snapshot: &snapshot[int]{value: 2}, newest: v2, admitted: 10, deleted: true}
	load := func(v Version, ticket uint64, second int) arrival[int] {
		in := arrival[int]{rec: store.Record{Version: v}, sent: stamp{time: at(second), ticket: ticket}}
		if !v.IsZero() {
			in.rec.Data, in.value = []byte("9"), 9
		}
		return in
	}
	bad := load(v3, 11, 101)
	bad.rejected = refused
	for _, c := range []struct {
		name     string
		cur      *published[int]
		in       arrival[int]
		changes  bool
		version  Version
		verified time.Time
		deleted  bool
		rejected bool
	}{
		{"newer", good, load(v3, 11, 101), true, v3, at(101), false, false},
		{"newer, though asked for long ago", good, load(v3, 1, 50), true, v3, at(50), false, false},
		{"older, late", good, load(v1, 11, 101), false, v2, at(100), false, false},
		{"the same, confirmed later", good, load(v2, 11, 101), true, v2, at(101), false, false},
		{"the same, confirmed earlier", good, load(v2, 9, 99), false, v2, at(100), false, false},
		{"gone", good, load(Version{}, 11, 101), true, Version{}, time.Time{}, true, false},
		{"gone, seen before it was created", good, load(Version{}, 9, 99), false, v2, at(100), false, false},
		{"rejected", good, bad, true, v2, at(100), false, true},
		{"rejected again", &rejected, bad, false, v2, at(100), false, true},
		{"the good one again, while a newer is rejected", &rejected, load(v2, 11, 101), false, v2, at(100), false, true},
		{"gone while rejected", &rejected, load(Version{}, 11, 101), true, Version{}, time.Time{}, true, false},
		{"gone, again", deleted, load(Version{}, 11, 101), false, Version{}, time.Time{}, true, false},
		{"its last version, late, after it was deleted", deleted, load(v2, 9, 99), false, Version{}, time.Time{}, true, false},
		{"recreated", deleted, load(v3, 11, 101), true, v3, at(101), false, false},
		{"recreated, rejected", deleted, bad, true, Version{}, time.Time{}, false, true},
	} {
		got := step(c.cur, c.in, 12)
		if (got != nil) != c.changes {
			t.Errorf("%s: changes the copy: %v", c.name, got != nil)
		}
		if got == nil {
			got = c.cur
		}
		if got.version != c.version || !got.verified.Equal(c.verified) || got.deleted != c.deleted || (got.rejected != nil) != c.rejected {
			t.Errorf("%s: became %+v at %v", c.name, got, got.version)
		}
	}
}

// TestAgeIsTheLargerClock: the monotonic clock stands still while a machine sleeps,
// the wall clock can be set back.
func TestAgeIsTheLargerClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &published[int]{verified: time.Now()}
		time.Sleep(time.Minute)
		if got := p.age(); got != time.Minute {
			t.Errorf("a minute later: %v", got)
		}
		p.verified = time.Now().Round(0).Add(-time.Hour) // the wall clock alone has moved on
		if got := p.age(); got != time.Hour {
			t.Errorf("an hour later by the wall clock: %v", got)
		}
		if got := (&published[int]{}).age(); got < 1<<62 {
			t.Errorf("never verified: %v", got)
		}
	})
}

// modes records how a State asks.
type modes struct {
	store.Store
	mu    sync.Mutex // guards asked
	asked []store.Consistency
}

func (m *modes) Load(ctx context.Context, path string, known Version, mode store.Consistency) (store.Record, error) {
	m.mu.Lock()
	m.asked = append(m.asked, mode)
	m.mu.Unlock()
	return m.Store.Load(ctx, path, known, mode)
}

// TestRefreshAsksTheQuorum: a server that lags behind must not make an old copy
// count as verified, time and again.
func TestRefreshAsksTheQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &modes{Store: memstore.New()}
		if _, err := m.Commit(t.Context(), store.Create{Path: "/doc", Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		st, err := Open(t.Context(), m, "/doc", 1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * DefaultRefresh)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if len(m.asked) < 8 {
			t.Errorf("only %d loads", len(m.asked))
		}
		for i, mode := range m.asked {
			if mode != store.Linearizable {
				t.Errorf("load %d of %d without any hint was not linearizable", i, len(m.asked))
			}
		}
	})
}

// TestMergeIsChecked: encoding/json reads "Interval" into the field interval too,
// and the later of the two wins. What the function made must be what is read.
func TestMergeIsChecked(t *testing.T) {
	ctx, mem := t.Context(), memstore.New()
	if _, err := mem.Commit(ctx, store.Create{Path: "/doc", Data: []byte(`{"interval":1,"Interval":5}`)}); err != nil {
		t.Fatal(err)
	}
	type settings struct {
		Interval int `json:"interval"`
	}
	st, err := Open(ctx, mem, "/doc", settings{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Update(ctx, func(s *settings) error { s.Interval++; return nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := st.Read(); err != nil || got.Interval != 6 {
		t.Errorf("5 and one more is read as %+v, %v", got, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Read(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
