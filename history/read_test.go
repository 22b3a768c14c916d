package history_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"strings"
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

// compress is what an entry's packed part would be for text.
func compress(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestReadOfBombs: small entries that unpack to very much cost little memory, and hide
// no entry of ours that is newer.
func TestReadOfBombs(t *testing.T) {
	const large = 5 << 20
	change := `{"kind":"added","path":["a"],"new":1},`
	bombs := map[string]string{
		"no line":       strings.Repeat(" ", large),
		"changes":       "[" + strings.Repeat(change, large/len(change)) + "\n1",
		"empty changes": "[" + strings.Repeat("{},", large/3) + "{}]\n1",
		"document":      "[]\n" + strings.Repeat("[", large),
		"just fits":     "[" + strings.Repeat(change, 3<<20/len(change)) + change[:len(change)-1] + "]\n[" + strings.Repeat("1,", 490_000) + "1]",
	}
	last := store.NewVersion(1, 1000, 900)
	ours, err := history.Note{Base: last, Reason: "ours", Document: []byte(`{"a":1}`)}.Encode(store.MaxCommit)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range bombs {
		j := &journal{Store: memstore.New()}
		packed := compress(t, text)
		for order := range int64(60) {
			entry, err := json.Marshal(map[string]any{"base": store.NewVersion(1, order/2+1, int32(order)), "packed": packed})
			if err != nil {
				t.Fatal(err)
			}
			j.entries = append(j.entries, store.Entry{Order: order + 2, Data: entry})
		}
		j.entries = append(j.entries, store.Entry{Order: 1001, Data: ours})
		if size := len(j.entries[0].Data); size > 48<<10 {
			t.Errorf("%s: %d bytes are no bomb", name, size)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		entries, err := history.Read(t.Context(), j, "/doc", math.MaxInt)
		runtime.ReadMemStats(&after)
		if err != nil || len(entries) < 61 {
			t.Fatalf("%s: %d entries, %v", name, len(entries), err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 320<<20 {
			t.Errorf("%s: %d MiB were allocated", name, spent>>20)
		}
		found, err := history.At(t.Context(), j, "/doc", store.NewVersion(1, 1001, 901))
		if err != nil || found.Reason != "ours" || string(found.Document()) != `{"a":1}` {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		if document := entries[0].Document(); len(document) > store.MaxCommit {
			t.Errorf("%s: a document of %d bytes", name, len(document))
		}
	}
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
