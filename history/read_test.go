package history_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// journal is a store whose journal's entries a test makes up.
type journal struct {
	store.Store
	entries []store.Entry
}

func (j *journal) Journal(context.Context, string, int) (int, []store.Entry, error) {
	return 1000, j.entries, nil
}

func (j *journal) JournalAround(_ context.Context, _ string, order int64) (int, []store.Entry, error) {
	return 1000, store.EntriesAround(j.entries, order), nil
}

// TestReadEndsWithItsContext: however much there is to read.
func TestReadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j := &journal{Store: unhurried{memstore.New()}, entries: []store.Entry{{Order: 1, Data: []byte("{}")}}}
	if _, err := history.Read(ctx, j, "/doc", math.MaxInt); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// unhurried loads whatever the context says.
type unhurried struct{ *memstore.Store }

func (s unhurried) Load(_ context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	return s.Store.Load(context.Background(), path, known, mode)
}

// TestUnreadableEntries: they are shown as what they are, what their neighbours tell of
// them is known, and the others are served.
func TestUnreadableEntries(t *testing.T) {
	ctx := t.Context()
	mem := memstore.New()
	if err := mem.SetJournal(ctx, "/doc", 10); err != nil {
		t.Fatal(err)
	}
	var versions []store.Version
	commit := func(old, doc string) {
		var op store.Op = store.Create{Path: "/doc", Data: []byte(doc)}
		note := noteOf(t, old, doc)
		note.Base = store.Version{}
		if len(versions) > 0 {
			note.Base = versions[len(versions)-1]
			op = store.Put{Path: "/doc", Base: note.Base, Data: []byte(doc)}
		}
		entry, err := note.Encode(store.MaxCommit)
		if err != nil {
			t.Fatal(err)
		}
		made, err := mem.Commit(ctx, op, store.Append{Path: "/doc", Data: entry})
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, made[0])
	}
	docs := []string{`{"n":0}`, `{"n":1}`, `{"n":2}`, `{"n":3}`}
	for i, doc := range docs {
		commit(docs[max(i-1, 0)], doc)
	}
	_, stored, err := mem.Journal(ctx, "/doc", 10)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*store.Entry){
		"denied":    func(e *store.Entry) { e.Data, e.Err = nil, store.ErrDenied },
		"garbage":   func(e *store.Entry) { e.Data = []byte("\x00\x1b") },
		"not ours":  func(e *store.Entry) { e.Data = []byte(`"text"`) },
		"bad base":  func(e *store.Entry) { e.Data = []byte(`{"base":"x"}`) },
		"no reason": func(e *store.Entry) { e.Data = nil },
	} {
		j := &journal{Store: mem, entries: append([]store.Entry(nil), stored...)}
		spoil(&j.entries[1])
		spoil(&j.entries[3])
		entries, err := history.Read(ctx, j, "/doc", math.MaxInt)
		if err != nil || len(entries) != len(docs) {
			t.Fatalf("%s: %d entries, %v", name, len(entries), err)
		}
		for i, e := range entries {
			if bad := i%2 == 1; (e.Unreadable != "") != bad || e.Version != versions[i] || string(e.Document()) != docs[i] {
				t.Errorf("%s: entry %d is %+v with %s", name, i, e, e.Document())
			}
		}
		j.entries = j.entries[1:2] // and no neighbours
		if entries, err = history.Read(ctx, j, "/doc", math.MaxInt); err != nil || len(entries) != 2 || entries[0].Unreadable == "" || !entries[0].Version.IsZero() {
			t.Errorf("%s alone: %+v, %v", name, entries, err)
		}
	}
}
