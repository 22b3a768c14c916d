package zkstate

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// TestReduce holds what becomes of the copy by observations that come late, twice or
// out of order. A State at version 2, settled at event 10, verified at second 100, gets
// one observation.
func TestReduce(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	v1, v2, v3 := store.NewVersion(1, 1, 0), store.NewVersion(1, 2, 1), store.NewVersion(1, 3, 2)
	again := store.NewVersion(9, 2, 0) // the same point in the order of another history
	replayed := v2.WithTag(7)          // the same numbers in another history
	passed := store.NewVersion(2, 5, 3)
	refused := &RejectedError{Reason: "x"}
	good := &published[int]{snapshot: &snapshot[int]{value: 2, doc: []byte("2"), version: v2}, newest: v2, asOf: 2, settled: 10, verified: at(100)}
	rejected := *good
	rejected.newest, rejected.asOf, rejected.rejected = v3, 3, refused
	deleted := &published[int]{snapshot: &snapshot[int]{value: 2}, newest: v2, asOf: 4, settled: 10, deleted: true}
	vague := *deleted
	vague.asOf = 0
	restored := *good
	restored.replaced = 10
	quorum := func(v Version, event uint64, second int) observation[int] {
		o := observation[int]{rec: store.Record{Version: v}, asked: moment{time: at(second), event: event}, linearizable: true}
		if !v.IsZero() {
			o.rec.Data, o.value = []byte("9"), 9
		}
		return o
	}
	local := func(v Version, event uint64, second int) observation[int] {
		o := quorum(v, event, second)
		o.linearizable = false
		return o
	}
	gone := func(asOf int64, event uint64) observation[int] {
		o := quorum(Version{}, event, 101)
		o.rec.AsOf = asOf
		return o
	}
	bad := quorum(v3, 11, 101)
	bad.rejected = refused
	bytesUnsent := quorum(v3, 11, 101)
	bytesUnsent.rec.Data = nil
	for _, c := range []struct {
		name     string
		cur      *published[int]
		o        observation[int]
		changes  bool
		decided  bool
		version  Version
		verified time.Time
		deleted  bool
		rejected bool
		replaced bool
	}{
		{"newer", good, quorum(v3, 11, 101), true, true, v3, at(101), false, false, false},
		{"newer, though asked for long ago", good, quorum(v3, 1, 50), true, true, v3, at(100), false, false, false},
		{"newer, from a server that may lag", good, local(v3, 11, 101), true, true, v3, at(100), false, false, false},
		{"newer, without its bytes", good, bytesUnsent, false, false, v2, at(100), false, false, false},
		{"older, late", good, quorum(v1, 9, 99), false, true, v2, at(100), false, false, false},
		{"older, late, and not of one history with the copy", good, quorum(store.NewVersion(9, 1, 0), 9, 99), false, false, v2, at(100), false, false, false},
		{"older, from a server that lags", good, local(v1, 11, 101), false, true, v2, at(100), false, false, false},
		{"older, and true", good, quorum(v1, 11, 101), true, true, v1, at(101), false, false, true},
		{"another one at the same point", good, quorum(again, 11, 101), true, true, again, at(101), false, false, true},
		{"another one at the same point, late", good, quorum(again, 9, 99), false, false, v2, at(100), false, false, false},
		{"another one with the same numbers", good, quorum(replayed, 11, 101), true, true, replayed, at(101), false, false, true},
		{"another one with the same numbers, late", good, quorum(replayed, 9, 99), false, false, v2, at(100), false, false, false},
		{"another one with the same numbers, from a server that may lag", good, local(replayed, 11, 101), false, false, v2, at(100), false, false, false},
		{"newer, and not of one history with the copy", good, quorum(passed, 11, 101), true, true, passed, at(101), false, false, true},
		{"newer, and not of one history with the copy, late", good, quorum(passed, 9, 99), false, false, v2, at(100), false, false, false},
		{"newer, and not of one history with the copy, from a server that may lag", good, local(passed, 11, 101), false, false, v2, at(100), false, false, false},
		{"late, of a history that was replaced", &restored, quorum(v3, 9, 99), false, false, v2, at(100), false, false, false},
		{"late, from a server of a history that was replaced", &restored, local(v3, 9, 99), false, true, v2, at(100), false, false, false},
		{"the same, confirmed later", good, quorum(v2, 11, 101), true, true, v2, at(101), false, false, false},
		{"the same, from a server that may lag", good, local(v2, 11, 101), false, true, v2, at(100), false, false, false},
		{"the same, confirmed earlier", good, quorum(v2, 9, 99), false, true, v2, at(100), false, false, false},
		{"gone", good, gone(4, 11), true, true, Version{}, time.Time{}, true, false, false},
		{"gone, nobody knows when", good, gone(0, 11), true, true, Version{}, time.Time{}, true, false, false},
		{"gone, late, and in the order after the copy", good, gone(4, 9), true, true, Version{}, time.Time{}, true, false, false},
		{"gone, late, and in the order before the copy", good, gone(1, 9), false, true, v2, at(100), false, false, false},
		{"gone, late, nobody knows when", good, gone(0, 9), false, false, v2, at(100), false, false, false},
		{"gone, and the order went back", good, gone(1, 11), true, true, Version{}, time.Time{}, true, false, true},
		{"gone, says a server that may lag", good, local(Version{}, 11, 101), false, false, v2, at(100), false, false, false},
		{"rejected", good, bad, true, true, v2, at(100), false, true, false},
		{"rejected again", &rejected, bad, false, true, v2, at(100), false, true, false},
		{"the good one, late, while a newer is rejected", &rejected, quorum(v2, 9, 101), false, true, v2, at(100), false, true, false},
		{"gone while rejected", &rejected, gone(4, 11), true, true, Version{}, time.Time{}, true, false, false},
		{"gone, again", deleted, gone(4, 11), false, true, Version{}, time.Time{}, true, false, false},
		{"its last version, late, after it was deleted", deleted, quorum(v2, 9, 99), false, true, Version{}, time.Time{}, true, false, false},
		{"a version before its deletion that was not seen", deleted, quorum(v3, 9, 99), false, true, Version{}, time.Time{}, true, false, false},
		{"the same, and nobody knows when it was deleted", &vague, quorum(v3, 9, 99), false, false, Version{}, time.Time{}, true, false, false},
		{"the same, from a server that may lag", &vague, local(v3, 11, 99), false, false, Version{}, time.Time{}, true, false, false},
		{"restored to before its own deletion", &vague, quorum(v1, 11, 101), true, true, v1, at(101), false, false, true},
		{"recreated, and nobody knows when it was deleted", &vague, quorum(store.NewVersion(5, 5, 0), 11, 101), true, true, store.NewVersion(5, 5, 0), at(101), false, false, false},
		{"created before its deletion, and there after it", deleted, quorum(store.NewVersion(1, 5, 2), 11, 101), true, true, store.NewVersion(1, 5, 2), at(101), false, false, true},
		{"recreated", deleted, quorum(store.NewVersion(5, 5, 0), 11, 101), true, true, store.NewVersion(5, 5, 0), at(101), false, false, false},
	} {
		got, decided := reduce(c.cur, c.o, 12)
		if (got != nil) != c.changes || decided != c.decided {
			t.Errorf("%s: changes the copy: %v, decided: %v", c.name, got != nil, decided)
		}
		replaced := got != nil && got.replaced != c.cur.replaced
		if got == nil {
			got = c.cur
		}
		if got.version != c.version || !got.verified.Equal(c.verified) || got.deleted != c.deleted || (got.rejected != nil) != c.rejected || replaced != c.replaced {
			t.Errorf("%s: became %+v at %v, replaced: %v", c.name, got, got.version, replaced)
		}
	}
}

// TestAgeIsTheLargerClock: the monotonic clock stands still while a machine sleeps,
// the wall clock can be set back.
func TestAgeIsTheLargerClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &published[int]{verified: time.Now()}
		time.Sleep(time.Minute)
		if got := age(p.verified); got != time.Minute {
			t.Errorf("a minute later: %v", got)
		}
		p.verified = time.Now().Round(0).Add(-time.Hour) // the wall clock alone has moved on
		if got := age(p.verified); got != time.Hour {
			t.Errorf("an hour later by the wall clock: %v", got)
		}
		if got := age(time.Time{}); got < 1<<62 {
			t.Errorf("never verified: %v", got)
		}
	})
}

// modes records how a State asks.
type modes struct {
	store.Store
	confirms bool
	mu       sync.Mutex // guards asked
	asked    []store.Consistency
}

func (m *modes) Load(ctx context.Context, path string, known Version, mode store.Consistency) (store.Record, error) {
	m.mu.Lock()
	m.asked = append(m.asked, mode)
	m.mu.Unlock()
	return m.Store.Load(ctx, path, known, mode)
}

// unconfirmed is a watcher of a handle that confirms nothing.
type unconfirmed struct{ store.Watcher }

func (unconfirmed) Confirmed(Version) time.Time { return time.Time{} }

func (m *modes) Watch(path string, every time.Duration, hint func()) store.Watcher {
	if m.confirms {
		return m.Store.Watch(path, every, hint)
	}
	return unconfirmed{m.Store.Watch(path, every, hint)}
}

// TestConfirmedCopiesAreNotLookedAt: where the store's handle confirms the copy, an idle
// State asks nothing by itself, and is fresh.
func TestConfirmedCopiesAreNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &modes{Store: memstore.New(), confirms: true}
		if _, err := m.Commit(t.Context(), store.Create{Path: "/doc", Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		st, err := Open(t.Context(), m, "/doc", 1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * DefaultRefresh)
		if snap, err := st.Snapshot(); err != nil || snap.Age() > DefaultRefresh || len(m.asked) != 1 {
			t.Errorf("%v old after %d loads, %v", snap.Age(), len(m.asked), err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRefreshAsksTheQuorum: a server that lags behind must not make an old copy
// count as verified, time and again, where the handle confirms nothing.
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
		time.Sleep(12 * DefaultRefresh)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if len(m.asked) < 8 {
			t.Errorf("only %d loads", len(m.asked))
		}
		for i, mode := range m.asked {
			if mode == store.Local {
				t.Errorf("load %d of %d without any hint was not linearizable", i, len(m.asked))
			}
		}
	})
}
