package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/store"
)

// wantJournal compares a journal's entries.
func (e *env) wantJournal(s store.Store, path string, keep int, want ...string) []store.Entry {
	e.t.Helper()
	gotKeep, entries, err := s.Journal(e.ctx, path, 1000)
	if err != nil {
		e.t.Fatal(err)
	}
	var got []string
	for i, entry := range entries {
		got = append(got, string(entry.Data))
		if entry.Time.IsZero() || i > 0 && entry.Order <= entries[i-1].Order {
			e.t.Errorf("entry %d of %d at %v", i, entry.Order, entry.Time)
		}
	}
	if gotKeep != keep || fmt.Sprint(got) != fmt.Sprint(want) {
		e.t.Fatalf("the journal of %s keeps %d and has %v, want %d and %v", path, gotKeep, got, keep, want)
	}
	return entries
}

func testJournal(t *testing.T, e *env) {
	s, other := e.handle(), e.handle()
	e.wantJournal(s, "/doc", 0)
	v := e.create(s, "/doc", "0")
	put := func(s store.Store, data string, more ...store.Op) error {
		versions, err := s.Commit(e.ctx, append([]store.Op{store.Put{Path: "/doc", Base: v, Data: []byte(data)}}, more...)...)
		if err == nil {
			v = versions[0]
		}
		return err
	}
	entry := func(data string) store.Append { return store.Append{Path: "/doc", Data: []byte(data)} }
	if err := put(s, "1", entry("the journal is off")); err != nil {
		t.Fatal(err)
	}
	e.wantJournal(s, "/doc", 0)
	if keep, around, err := s.JournalAround(e.ctx, "/doc", v.Order()); keep != 0 || len(around) != 0 || err != nil {
		t.Errorf("a journal that is off keeps %d and has %v, %v", keep, around, err)
	}
	if err := other.SetJournal(e.ctx, "/doc", 3); err != nil {
		t.Fatal(err)
	}
	e.wantErr(put(s, "2"), store.ErrJournal)
	e.wantData(other, "/doc", "1")
	for i := range 5 {
		if err := put([]store.Store{s, other}[i%2], "x", entry(fmt.Sprint("entry ", i))); err != nil {
			t.Fatal(err)
		}
	}
	entries := e.wantJournal(s, "/doc", 3, "entry 2", "entry 3", "entry 4")
	if entries[2].Order != v.Order() {
		t.Errorf("the entry is of %d, the commit made %v", entries[2].Order, v)
	}
	stale := store.NewVersion(v.Created(), v.Order()-1, v.Counter()-1)
	_, err := s.Commit(e.ctx, store.Put{Path: "/doc", Base: stale, Data: []byte("y")}, entry("of a refused commit"))
	e.wantErr(err, store.ErrConflict)
	for newest := -1; newest <= 4; newest++ {
		_, got, err := s.Journal(e.ctx, "/doc", newest)
		want := entries[len(entries)-min(max(0, newest), 3):]
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("the newest %d entries are %v, %v", newest, got, err)
		}
	}
	at := func(i int) int64 { return entries[i].Order }
	for order, want := range map[int64]string{
		0: "[entry 2]", at(0): "[entry 2 entry 3]", at(1): "[entry 2 entry 3 entry 4]", at(2): "[entry 3 entry 4]", at(2) + 1: "[entry 4]", math.MaxInt64: "[entry 4]",
	} {
		keep, around, err := s.JournalAround(e.ctx, "/doc", order)
		var got []string
		for _, entry := range around {
			got = append(got, string(entry.Data))
		}
		if err != nil || keep != 3 || fmt.Sprint(got) != want {
			t.Errorf("around %d the journal has %v, want %s: %v", order, got, want, err)
		}
	}
	e.wantErr(other.SetJournal(e.ctx, "/doc", store.MaxJournal+1), store.ErrTooLarge)
	e.wantJournal(s, "/doc", 3, "entry 2", "entry 3", "entry 4")
	if err := other.SetJournal(e.ctx, "/doc", store.MaxJournal); err != nil {
		t.Fatal(err)
	}
	if err := other.SetJournal(e.ctx, "/doc", 2); err != nil { // which trims
		t.Fatal(err)
	}
	e.wantJournal(s, "/doc", 2, "entry 3", "entry 4")
	large := strings.Repeat("x", store.AppendAllowance)
	if err := put(s, strings.Repeat("d", store.MaxCommit-1024), entry(large)); err != nil { // a document of whatever size
		t.Fatal(err)
	}
	e.wantJournal(other, "/doc", 2, "entry 4", large)
	e.wantErr(put(s, strings.Repeat("d", store.MaxCommit-1024), entry(large+"x")), store.ErrTooLarge)
	if _, err := s.Commit(e.ctx, store.Delete{Path: "/doc", Base: v}, entry("deleted")); err != nil {
		t.Fatal(err)
	}
	e.wantJournal(other, "/doc", 2, large, "deleted")
	if _, err := s.Commit(e.ctx, store.Create{Path: "/doc", Data: []byte("again")}, entry("created")); err != nil {
		t.Fatal(err)
	}
	e.wantJournal(other, "/doc", 2, "deleted", "created")
	if err := s.SetJournal(e.ctx, "/doc", 0); err != nil {
		t.Fatal(err)
	}
	e.wantJournal(other, "/doc", 0)
	v = e.load(s, "/doc").Version
	if err := put(other, "free"); err != nil {
		t.Fatal(err)
	}
}

// testJournalContended has several handles commit to one journaled document. Its
// journal then has the last entries, in the order of the commits.
func testJournalContended(t *testing.T, e *env) {
	const handles, each, keep = 3, 15, 10
	s := e.handle()
	if err := s.SetJournal(e.ctx, "/doc", keep); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(e.ctx, store.Create{Path: "/doc", Data: []byte("0")}, store.Append{Path: "/doc", Data: []byte("0")}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range handles {
		h := e.handle()
		all.Go(func() {
			for done := 0; done < each; {
				rec, err := h.Load(e.ctx, "/doc", store.Version{}, store.Local)
				if errors.Is(err, store.ErrNotFound) { // its server lags
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				data := fmt.Append(nil, rec.Version.Counter()+1)
				_, err = h.Commit(e.ctx, store.Put{Path: "/doc", Base: rec.Version, Data: data}, store.Append{Path: "/doc", Data: data})
				switch {
				case err == nil:
					done++
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	var want []string
	for i := handles*each - keep + 1; i <= handles*each; i++ {
		want = append(want, fmt.Sprint(i))
	}
	e.wantJournal(s, "/doc", keep, want...)
}

// testJournalComplete switches the journal on while handles commit that know nothing of
// it. From then on there is an entry of every commit that began afterwards.
func testJournalComplete(t *testing.T, e *env) {
	const handles, rounds = 3, 8
	s := e.handle()
	others := make([]store.Store, handles)
	for i := range others {
		others[i] = e.handle()
		stop := others[i].Watch("/doc", time.Second, func() {}).Stop
		defer stop()
	}
	e.create(s, "/doc", "0")
	for round := range rounds {
		var on atomic.Bool
		ctx, cancel := context.WithCancel(e.ctx)
		var all sync.WaitGroup
		for _, h := range others {
			all.Go(func() {
				for ctx.Err() == nil {
					rec, err := h.Load(e.ctx, "/doc", store.Version{}, store.Local)
					if errors.Is(err, store.ErrNotFound) { // its server lags
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					late := on.Load()
					_, err = h.Commit(e.ctx, store.Put{Path: "/doc", Base: rec.Version, Data: []byte("no entry")})
					switch {
					case err == nil && late:
						t.Errorf("round %d: a commit without an entry began after the journal was on", round)
						return
					case errors.Is(err, store.ErrJournal):
						return
					case err != nil && !errors.Is(err, store.ErrConflict):
						t.Error(err)
						return
					}
				}
			})
		}
		err := s.SetJournal(e.ctx, "/doc", 10)
		on.Store(true)
		time.AfterFunc(patience, cancel)
		all.Wait()
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetJournal(e.ctx, "/doc", 0); err != nil {
			t.Fatal(err)
		}
	}
}

// testEntryComes: who sees a commit sees its entry in the journal.
func testEntryComes(t *testing.T, e *env) {
	writer, reader := e.handle(), e.handle()
	if err := writer.SetJournal(e.ctx, "/doc", 1000); err != nil {
		t.Fatal(err)
	}
	versions, err := writer.Commit(e.ctx, store.Create{Path: "/doc", Data: []byte("0")}, store.Append{Path: "/doc", Data: []byte("0")})
	if err != nil {
		t.Fatal(err)
	}
	v := versions[0]
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			text := fmt.Append(nil, i)
			versions, err := writer.Commit(e.ctx, store.Put{Path: "/doc", Base: v, Data: text}, store.Append{Path: "/doc", Data: text})
			if err != nil {
				t.Error(err)
				return
			}
			v = versions[0]
		}
	}()
	for writing := true; writing; {
		select {
		case <-done:
			writing = false
		default:
		}
		seen := e.load(reader, "/doc").Version
		_, entries, err := reader.Journal(e.ctx, "/doc", 20)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 || entries[len(entries)-1].Order < seen.Order() {
			t.Fatalf("%v is seen, and its entry is not in the journal", seen)
		}
	}
}
