package history_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
)

func noteOf(t *testing.T, old, new string) history.Note {
	t.Helper()
	changes, err := diff.Diff([]byte(old), []byte(new))
	if err != nil {
		t.Fatal(err)
	}
	return history.Note{
		Base: store.NewVersion(7, 9, 2), Who: history.Who{ID: "a-1", Host: "web1", App: "agent", User: "ann"},
		Reason: "too <much> load", Receipt: "a-1/2", Changes: changes, Document: []byte(new),
	}
}

// TestEncode: what goes in comes out, byte by byte, whatever form the entry takes.
func TestEncode(t *testing.T) {
	var noise strings.Builder // not to be compressed away
	for noise.Len() < 100_000 {
		fmt.Fprintf(&noise, "%x", rand.Uint64())
	}
	for name, doc := range map[string]string{
		"small":          `{"a":[1,2.0,9007199254740993],"b":"<é>"}`,
		"written freely": "{ \"a\" : 1,\n\t\"b\":2 }\n",
		"large":          `{"a":"` + strings.Repeat("x", 50_000) + `"}`,
		"noisy":          `{"a":"` + noise.String() + `"}`,
	} {
		note := noteOf(t, `{"a":1}`, doc)
		entry, err := note.Encode(store.MaxCommit)
		if err != nil {
			t.Fatal(err)
		}
		got, err := history.Decode(entry)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(note, got) {
			t.Errorf("%s: %s", name, cmp.Diff(note, got, cmp.AllowUnexported(store.Version{}, diff.Step{})))
		}
	}
}

// TestEncodeCuts: with less and less room, the document goes, then the changes, and
// what remains always fits.
func TestEncodeCuts(t *testing.T) {
	var noise strings.Builder
	for noise.Len() < 60_000 {
		fmt.Fprintf(&noise, "%x", rand.Uint64())
	}
	old := `{"a":"` + noise.String() + `","b":"` + noise.String()[:20_000] + `"}`
	note := noteOf(t, old, strings.Replace(old, `"b":"`, `"b":"new`, 1))
	note.Reason = strings.Repeat("why? ", 10_000)
	for _, c := range []struct {
		room              int
		document, changes bool
	}{{store.MaxCommit, true, true}, {50_000, false, true}, {store.AppendAllowance, false, false}} {
		entry, err := note.Encode(c.room)
		if err != nil || len(entry) > c.room {
			t.Fatalf("%d bytes in %d, %v", len(entry), c.room, err)
		}
		got, err := history.Decode(entry)
		if err != nil || (got.Document != nil) != c.document || (got.Changes != nil) != c.changes || got.Truncated == c.document {
			t.Errorf("in %d bytes: document %v, changes %v, cut %v, %v", c.room, got.Document != nil, got.Changes != nil, got.Truncated, err)
		}
		if got.Base != note.Base || got.Who != note.Who || !strings.HasPrefix(got.Reason, "why? ") {
			t.Errorf("in %d bytes: %+v", c.room, got.Who)
		}
	}
}

// FuzzDecode: entries can be written by anybody.
func FuzzDecode(f *testing.F) {
	note := history.Note{Document: []byte(`{"a":"` + strings.Repeat("x", 9000) + `"}`)}
	packed, err := note.Encode(store.MaxCommit)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte(`{"base":"3.7.7","changes":[{"kind":"added","path":["a"],"new":1}],"document":{"a":1}}`))
	f.Add([]byte(`{"packed":"H4sIAAAAAAAA"}`))
	f.Fuzz(func(t *testing.T, entry []byte) {
		note, err := history.Decode(entry)
		if err != nil {
			return
		}
		if _, err := note.Encode(store.MaxCommit); err != nil {
			t.Skip(err) // changes that are none
		}
	})
}
