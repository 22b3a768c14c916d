package storetest

import (
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// testTags: every version has a tag, the same one wherever it is shown.
func testTags(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	if err := s.SetJournal(e.ctx, "/a", 9); err != nil {
		t.Fatal(err)
	}
	commit := func(op store.Op) store.Version {
		versions, err := s.Commit(e.ctx, op, store.Append{Path: "/a", Data: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		return versions[0]
	}
	made := []store.Version{commit(store.Create{Path: "/a", Data: []byte("0")})}
	for range 2 {
		v := commit(store.Put{Path: "/a", Base: made[len(made)-1], Data: []byte("1")})
		if rec := e.load(other, "/a"); rec.Version != v {
			t.Errorf("made %v, loaded %v", v, rec.Version)
		}
		made = append(made, v)
	}
	last := made[2]
	for _, v := range made {
		if v.Tag() == 0 {
			t.Errorf("%v has no tag", v)
		}
	}
	if place, err := other.Stat(e.ctx, "/a", store.Linearizable); err != nil || place.Version != last {
		t.Errorf("stat of %v: %v, %v", last, place.Version, err)
	}
	if places, err := other.List(e.ctx, "/", store.Linearizable); err != nil || len(places) != 1 || places[0].Version != last {
		t.Errorf("list of %v: %v, %v", last, places, err)
	}
	_, entries, err := other.Journal(e.ctx, "/a", 9)
	if err != nil || len(entries) != len(made) {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for i, entry := range entries {
		if entry.Order != made[i].Order() || entry.Tag != made[i].Tag() {
			t.Errorf("the entry of %v has the number %x and the tag %x", made[i], entry.Order, entry.Tag)
		}
	}
}

// testForeignTag: a version with the numbers of the latest and another tag is of a history
// that was replaced. It is not what is known, nothing is built on it, and nothing confirms it.
func testForeignTag(t *testing.T, e *env) {
	s := e.handle()
	w := NewWatch(s, "/a", 20*time.Millisecond)
	defer w.Stop()
	v := e.put(s, "/a", e.create(s, "/a", "0"), "1")
	undone := v.WithTag(v.Tag() + 1)
	refused := func(op store.Op) {
		t.Helper()
		_, err := s.Commit(e.ctx, op)
		e.wantErr(err, store.ErrConflict)
	}
	refused(store.Put{Path: "/a", Base: undone, Data: []byte("2")})
	refused(store.Delete{Path: "/a", Base: undone})
	for _, mode := range []store.Consistency{store.Local, store.Linearizable, store.Creating} {
		rec, err := s.Load(e.ctx, "/a", undone, mode)
		if err != nil || rec.Version != v || string(rec.Data) != "1" {
			t.Errorf("load of what is not known: %v %q, %v", rec.Version, rec.Data, err)
		}
	}
	refused(store.Put{Path: "/a", Base: undone, Data: []byte("2")}) // it was looked at just now
	e.eventually("the version is confirmed", func() error { return confirmedAtAll(w, v) })
	if at := w.Confirmed(undone); !at.IsZero() {
		t.Errorf("%v is confirmed for %v", undone, at)
	}
	e.wantData(s, "/a", "1")
	e.put(s, "/a", v, "2")
}

func confirmedAtAll(w store.Watcher, v store.Version) error {
	if w.Confirmed(v).IsZero() {
		return store.ErrUnavailable
	}
	return nil
}
