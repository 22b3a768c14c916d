// One goroutine, for long: see the Makefile.

//go:build !race

package history_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

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
