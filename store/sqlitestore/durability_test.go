package sqlitestore

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// TestDurability: what is acknowledged as a commit of a document, or of its journal, is on the disk, whatever was written
// before it; a listener record need not be.
func TestDurability(t *testing.T) {
	s := openTemp(t, filepath.Join(t.TempDir(), "state.db"), Config{})
	var made []store.Version
	commit := func(op func() store.Op) func() error {
		return func() (err error) {
			made, err = s.Commit(t.Context(), op())
			return err
		}
	}
	announce := func() error { return s.Announce(t.Context(), "/doc", "me", []byte("{}")) }
	for _, step := range []struct {
		name string
		do   func() error
		want int // of synchronous: 1 is NORMAL, 2 is FULL
	}{
		{"announce", announce, 1},
		{"create", commit(func() store.Op { return store.Create{Path: "/doc", Data: []byte("1")} }), 2},
		{"announce again", announce, 1},
		{"put", commit(func() store.Op { return store.Put{Path: "/doc", Base: made[0], Data: []byte("2")} }), 2},
		{"withdraw", func() error { return s.Withdraw(t.Context(), "/doc", "me") }, 1},
		{"journal", func() error { return s.SetJournal(t.Context(), "/doc", 5) }, 2},
		{"announce once more", announce, 1},
		{"journal off", func() error { return s.SetJournal(t.Context(), "/doc", 0) }, 2},
		{"delete", commit(func() store.Op { return store.Delete{Path: "/doc", Base: made[0]} }), 2},
	} {
		if err := step.do(); err != nil {
			t.Fatal(step.name, err)
		}
		var got int
		if err := s.writer.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&got); err != nil || got != step.want {
			t.Errorf("%s was written with synchronous=%d, want %d; %v", step.name, got, step.want, err)
		}
	}
}

// TestNews: a handle reads what changed only if a document did. Listener records change far more often.
func TestNews(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	s, other := openTemp(t, file, Config{PollInterval: time.Minute}), openTemp(t, file, Config{})
	s.watch.start.Do(func() {}) // this test looks by itself
	defer s.Watch("/doc", time.Minute, func() {}).Stop()
	p := &poller{store: s}
	defer p.close()
	look := func() {
		t.Helper()
		if err := p.lookOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var made []store.Version
	commit := func(op store.Op) {
		t.Helper()
		var err error
		if made, err = other.Commit(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, want bool) {
		t.Helper()
		got, err := p.hasNews(&tx{conn: p.conn, ctx: t.Context()})
		if err != nil || got != want {
			t.Errorf("after %s there is news: %v, want %v; %v", what, got, want, err)
		}
		look()
	}
	commit(store.Create{Path: "/doc", Data: []byte("1")})
	look()
	if err := other.Announce(t.Context(), "/doc", "me", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	want("an announcement", false)
	commit(store.Put{Path: "/doc", Base: made[0], Data: []byte("2")})
	want("a put", true)
	want("nothing", false)
	commit(store.Delete{Path: "/doc", Base: made[0]})
	want("a deletion", true)
	if _, err := other.writer.ExecContext(t.Context(), "UPDATE commits SET tag = tag + 1 WHERE sequence = (SELECT sequence FROM meta)"); err != nil {
		t.Fatal(err)
	}
	want("another history of as many commits", true)
}
