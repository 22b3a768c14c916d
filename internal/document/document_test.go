package document_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// journaled makes a document of so many versions, whose journal has them all.
func journaled(t *testing.T, s store.Store, versions int) (made []zkstate.Version, st *document.State) {
	t.Helper()
	st, err := zkstate.Open(t.Context(), s, "/doc", json.RawMessage("0"), zkstate.WithHistory(100))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	snap, err := st.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, snap.Version)
	for n := 1; n < versions; n++ {
		v, err := document.Replace(fmt.Append(nil, n)).Update(t.Context(), st)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, v)
	}
	return made, st
}

// readings counts the entries of journals that are read.
type readings struct {
	store.Store
	entries int
}

func (r *readings) Journal(ctx context.Context, path string, newest int) (int, []store.Entry, error) {
	keep, entries, err := r.Store.Journal(ctx, path, newest)
	r.entries += len(entries)
	return keep, entries, err
}

func (r *readings) JournalAround(ctx context.Context, path string, order int64) (int, []store.Entry, error) {
	keep, entries, err := r.Store.JournalAround(ctx, path, order)
	r.entries += len(entries)
	return keep, entries, err
}

// TestAt: a version in full is found among many without reading them; its number stands for
// it as long as no other version has it.
func TestAt(t *testing.T) {
	s := &readings{Store: memstore.New()}
	made, st := journaled(t, s, 40)
	s.entries = 0
	for i, v := range made {
		if entry, err := document.At(t.Context(), s, "/doc", v.String()); err != nil || string(entry.Document()) != fmt.Sprint(i) {
			t.Errorf("at %v it was %s, %v", v, entry.Document(), err)
		}
	}
	if s.entries > 3*len(made) {
		t.Errorf("for %d versions, %d entries were read", len(made), s.entries)
	}
	if entry, err := document.At(t.Context(), s, "/doc", "7"); err != nil || entry.Version != made[7] {
		t.Errorf("7 is %v, %v", entry.Version, err)
	}
	if err := st.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	journaled(t, s, 2)
	for text, want := range map[string]error{"1": document.ErrSeveral, "41": history.ErrNotKept, "-1": document.ErrVersion, "x": document.ErrVersion} {
		if entry, err := document.At(t.Context(), s, "/doc", text); !errors.Is(err, want) {
			t.Errorf("%s is %v, %v", text, entry.Version, err)
		}
	}
}

// TestWriteIsChecked: what cannot be meant is refused before anything is asked of a store.
func TestWriteIsChecked(t *testing.T) {
	for wait, good := range map[string]bool{"": true, "all": true, "1": true, "0": false, "-1": false, "01": false, "1.0": false, "ALL": false} {
		if err := (document.Write{Wait: wait}).Check(); (err == nil) != good || !good && !errors.Is(err, document.ErrWait) {
			t.Errorf("waiting for %q: %v", wait, err)
		}
	}
	for version, good := range map[string]bool{"": true, "3": true, "3.7.7": true, "latest": false, "3.": false, "2147483648": false} {
		if err := (document.Write{IfVersion: version}).Check(); (err == nil) != good || !good && !errors.Is(err, document.ErrVersion) {
			t.Errorf("if it is at %q: %v", version, err)
		}
	}
}

// TestNoPatchDeletes: only delete does.
func TestNoPatchDeletes(t *testing.T) {
	patch := diff.Patch{{Op: "remove", Path: ""}}
	if doc, err := document.Patch(patch).Apply([]byte("1")); !errors.Is(err, document.ErrDeletes) {
		t.Errorf("it makes %q, %v", doc, err)
	}
}

// away is a store that cannot be reached for so many calls, and has a folder that may not be
// listed.
type away struct {
	store.Store
	calls int
}

func (a *away) List(ctx context.Context, folder string, mode store.Consistency) ([]store.Place, error) {
	switch a.calls--; {
	case a.calls >= 0:
		return nil, store.ErrUnavailable
	case folder == "/b":
		return nil, store.ErrDenied
	}
	return a.Store.List(ctx, folder, mode)
}

// TestList: a folder that may not be listed hides no other, and a store that is away is asked
// again until ctx ends.
func TestList(t *testing.T) {
	s := &away{Store: memstore.New(), calls: 1}
	for _, path := range []string{"/a", "/a/deep/er", "/b/hidden", "/c/d"} {
		if _, err := s.Commit(t.Context(), store.Create{Path: path, Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
	}
	places, err := document.List(t.Context(), s, "/", true)
	var found []string
	for _, place := range places {
		found = append(found, place.Path)
		if denied := errors.Is(place.Err, store.ErrDenied); denied != (place.Path == "/b") {
			t.Errorf("%s: %v", place.Path, place.Err)
		}
	}
	if want := []string{"/a", "/a/deep/er", "/b", "/c/d"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("%v are found, want %v: %v", found, want, err)
	}
	s.calls = 1000
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := document.List(ctx, s, "/", true); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("in the end it is %v", err)
	}
}
