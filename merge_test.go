package zkstate

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// storedAs opens a State on a document that somebody else wrote, updates it, and
// returns what is stored then.
func storedAs[T any](t *testing.T, doc string, fn func(*T) error) string {
	t.Helper()
	ctx, mem := t.Context(), memstore.New()
	if _, err := mem.Commit(ctx, store.Create{Path: "/doc", Data: []byte(doc)}); err != nil {
		t.Fatal(err)
	}
	var none T
	st, err := Open(ctx, mem, "/doc", none)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Update(ctx, fn); err != nil {
		t.Fatal(err)
	}
	rec, err := mem.Load(ctx, "/doc", Version{}, store.Linearizable)
	if err != nil {
		t.Fatal(err)
	}
	return string(rec.Data)
}

// TestUntouchedBytesStay: an update rewrites what its function changed, and nothing else.
func TestUntouchedBytesStay(t *testing.T) {
	type settings struct {
		Text string         `json:"text"`
		N    float64        `json:"n"`
		List []string       `json:"list"`
		Map  map[string]int `json:"map"`
	}
	before := "{ \"map\": {\"z\": 1, \"a\":2},\n  \"text\": \"a && b \\u003e c\", \"list\": [ \"x<\" , \"\\u0079\" ],\n\t\"n\": 1.50, \"other\": [1e3] }\n"
	for _, c := range []struct {
		name     string
		fn       func(*settings)
		old, new string
	}{
		{"a number", func(s *settings) { s.N = 2 }, "1.50", "2"},
		{"a text", func(s *settings) { s.Text = "<b>" }, `"a && b \u003e c"`, `"<b>"`},
		{"a member of a map", func(s *settings) { s.Map["a"]++ }, `"a":2`, `"a":3`},
		{"one member more", func(s *settings) { s.Map["b"] = 7 }, `"a":2}`, `"a":2, "b": 7}`},
		{"one element more", func(s *settings) { s.List = append(s.List, "&") }, `"\u0079" ]`, `"\u0079", "&" ]`},
		{"one element less", func(s *settings) { s.List = s.List[:1] }, ` , "\u0079" ]`, ` ]`},
		{"null", func(s *settings) { s.Map = nil }, `{"z": 1, "a":2}`, `null`},
	} {
		got := storedAs(t, before, func(s *settings) error { c.fn(s); return nil })
		want := strings.Replace(before, c.old, c.new, 1)
		if c.name == "one element less" {
			want = strings.Replace(before, ` , "\u0079" ]`, `  ]`, 1)
		}
		if got != want {
			t.Errorf("%s: %q\nwant %q", c.name, got, want)
		}
	}
	raw := storedAs(t, before, func(doc *json.RawMessage) error {
		*doc = json.RawMessage(strings.Replace(string(*doc), "1.50", "2", 1))
		return nil
	})
	if want := strings.Replace(before, "1.50", "2", 1); raw != want {
		t.Errorf("raw JSON: %q\nwant %q", raw, want)
	}
}

// TestNewTextIsNotEscaped: 300 KB of < stay 300 KB.
func TestNewTextIsNotEscaped(t *testing.T) {
	long := strings.Repeat("<", 300_000)
	got := storedAs(t, `{"s":""}`, func(v *struct {
		S string `json:"s"`
	}) error {
		v.S = long
		return nil
	})
	if got != `{"s":"`+long+`"}` {
		t.Errorf("%d bytes, beginning with %.20s", len(got), got)
	}
}

// TestKeysThatDifferInCase: encoding/json reads them into one field. One such key is that
// field's; of two, nobody can know which counts.
func TestKeysThatDifferInCase(t *testing.T) {
	type inner struct {
		N int `json:"n"`
	}
	type embedded struct{ Size int }
	type settings struct {
		embedded
		inner
		Both  int               `json:"both"`
		BOTH  int               `json:"BOTH"`
		List  []*inner          `json:"list,omitempty"`
		Map   map[string]inner  `json:"map,omitempty"`
		Any   any               `json:"any,omitempty"`
		Raw   json.RawMessage   `json:"raw,omitempty"`
		Names map[string]string `json:"names,omitempty"`
	}
	for doc, pointer := range map[string]string{
		`{"n":5,"N":7}`:                              "/N",
		`{"SIZE":5,"size":7}`:                        "/SIZE",
		`{"list":[null,{"n":1},{"n":1,"N":2}]}`:      "/list/2/N",
		`{"LIST":[{"n":1,"N":2}]}`:                   "/LIST/0/N",
		`{"map":{"k":{"N":1,"n":2}}}`:                "/map/k/N",
		`{"Both":1,"BOTH":2}`:                        "/Both",
		`{"both":1,"BOTH":2,"N":1,"other":1}`:        "",
		`{"other":{"n":1,"N":2},"x":1,"X":2}`:        "",
		`{"any":{"n":1,"N":2},"raw":{"n":1,"N":2}}`:  "",
		`{"names":{"a":"1","A":"2"},"map":{"a":{}}}`: "",
	} {
		_, rejected := decode[settings]("/doc", Version{}, []byte(doc))
		switch {
		case pointer == "" && rejected != nil:
			t.Errorf("%s: %v", doc, rejected)
		case pointer != "" && (!errors.Is(rejected, ErrRejected) || rejected.Pointer != pointer):
			t.Errorf("%s: %v, want it rejected at %s", doc, rejected, pointer)
		}
	}
	change := func(s *settings) error { s.N, s.Size, s.BOTH = s.N+1, s.Size+1, s.BOTH+1; return nil }
	if got := storedAs(t, `{"size":1,"N":1,"both":1}`, change); got != `{"size":2,"N":2,"both":1,"BOTH":1}` {
		t.Errorf("one key that differs in case: %s", got)
	}
	rename := func(m *map[string]int) error { (*m)["a"] = (*m)["A"] + 1; return nil }
	if got := storedAs(t, `{"A":1}`, rename); got != `{"A":1,"a":2}` {
		t.Errorf("keys of a map: %s", got)
	}
}

// TestNilIsNull is what the README says of nil slices and maps, for programs in other
// languages.
func TestNilIsNull(t *testing.T) {
	type settings struct {
		Nil   []string          `json:"nil"`
		Map   map[string]string `json:"map"`
		Empty []string          `json:"empty"`
		Zero  []string          `json:"zero,omitzero"`
	}
	mem := memstore.New()
	st, err := Open(t.Context(), mem, "/doc", settings{Empty: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rec, err := mem.Load(t.Context(), "/doc", Version{}, store.Linearizable)
	if err != nil || string(rec.Data) != `{"nil":null,"map":null,"empty":[]}` {
		t.Errorf("%s, %v", rec.Data, err)
	}
}
