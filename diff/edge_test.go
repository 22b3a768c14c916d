package diff_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/diff"
)

func TestMergeEdges(t *testing.T) {
	for _, c := range []struct{ name, stored, before, after, want string }{
		{"inserted at the front: what the rest carries moves along",
			`[{"id":1,"x":1},{"id":2,"x":2}]`, `[{"id":1},{"id":2}]`, `[{"id":0},{"id":1},{"id":2}]`,
			`[{"id":0},{"id":1,"x":1},{"id":2,"x":2}]`},
		{"removed at the front",
			`[{"id":1,"x":1},{"id":2,"x":2}]`, `[{"id":1},{"id":2}]`, `[{"id":2}]`, `[{"id":2,"x":2}]`},
		{"sorted: what moved keeps what it carries",
			`[{"id":3,"x":3},{"id":1,"x":1},{"id":2,"x":2}]`, `[{"id":3},{"id":1},{"id":2}]`, `[{"id":1},{"id":2},{"id":3},{"id":4}]`,
			`[{"id":1,"x":1},{"id":2,"x":2},{"id":3,"x":3},{"id":4}]`},
		{"reversed, and one changed",
			`[{"id":3,"x":3},{"id":1,"x":1},{"id":2,"x":2}]`, `[{"id":3},{"id":1},{"id":2}]`, `[{"id":2},{"id":7},{"id":3}]`,
			`[{"id":2,"x":2},{"id":7},{"id":3,"x":3}]`},
		{"stored's list is of another length", `[1,2,3]`, `[1,2]`, `[1,5]`, `[1,5]`},
		{"stored's list is shorter", `[9]`, `[1,2]`, `[1,5]`, `[1,5]`},
		{"stored does without a member that stays", `{}`, `{"a":1,"b":1}`, `{"a":1,"b":2}`, `{"b":2}`},
		{"before left out an object of which it knows nothing", `{"o":{"x":1}}`, `{}`, `{"o":{"a":1}}`, `{"o":{"x":1,"a":1}}`},
		{"stored is another kind of value", `7`, `{"a":1}`, `{"a":2}`, `{"a":2}`},
		{"nothing changed", "{ \"a b\" : [ 1.0 ] }", `1`, ` 1 `, "{ \"a b\" : [ 1.0 ] }"},
		{"the layout stays, and what is new follows it", "{\n  \"a\" : 1 ,\n  \"x\": [ 1, 2 ]\n}\n", `{"a":1}`, `{"a":2,"b":[1,2]}`,
			"{\n  \"a\" : 2 ,\n  \"x\": [ 1, 2 ],\n  \"b\" : [1,2]\n}\n"},
		{"an element goes from each end, and one comes", "[ 1 , 2,\t3 ]", `[1,2,3]`, `[2,4]`, "[ 2,\t4 ]"},
		{"all go", "{ \"a\" : 1 }", `{"a":1}`, `{}`, "{ }"},
		{"escapes and digits of what nobody touched stay", `{"a":"\u0061 <","n":1.50,"b":1}`, `{"a":"a \u003c","n":1.50,"b":1}`, `{"a":"a \u003c","n":1.50,"b":2}`,
			`{"a":"\u0061 <","n":1.50,"b":2}`},
		{"a key that differs in case is the same where there is no better one", `{"Name":"x","N":1}`, `{"name":"x"}`, `{"name":"y"}`, `{"Name":"y","N":1}`},
		{"and goes with it", `{"Name":"x","N":1}`, `{"name":"x"}`, `{}`, `{"N":1}`},
		{"and is another one where there is", `{"Name":"x","name":"y"}`, `{"name":"y"}`, `{"name":"z"}`, `{"Name":"x","name":"z"}`},
		{"keys of a map", `{"a":1}`, `{"a":1}`, `{"a":1,"A":2}`, `{"a":1,"A":2}`},
	} {
		got, err := diff.Merge([]byte(c.stored), []byte(c.before), []byte(c.after))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

func TestApplyEdges(t *testing.T) {
	l, k := diff.Key("l"), diff.Key("k")
	at := func(i int) diff.Path { return diff.Path{l, diff.Index(i)} }
	doc := `{"k":" a  b ","l":[1,2]}`
	for _, c := range []struct {
		name    string
		changes []diff.Change
		want    string // "": ErrMismatch
	}{
		{"white space in strings stays", nil, doc},
		{"added twice at the same index", []diff.Change{{Kind: diff.Added, Path: at(0), New: []byte("3")}, {Kind: diff.Added, Path: at(0), New: []byte("4")}}, `{"k":" a  b ","l":[4,3,1,2]}`},
		{"added backwards", []diff.Change{{Kind: diff.Added, Path: at(1), New: []byte("3")}, {Kind: diff.Added, Path: at(0), New: []byte("4")}}, `{"k":" a  b ","l":[4,1,3,2]}`},
		{"removed twice at the same index", []diff.Change{{Kind: diff.Removed, Path: at(0), Old: []byte("1")}, {Kind: diff.Removed, Path: at(0), Old: []byte("2")}}, `{"k":" a  b ","l":[]}`},
		{"the second of a run is another", []diff.Change{{Kind: diff.Removed, Path: at(1), Old: []byte("2")}, {Kind: diff.Removed, Path: at(0), Old: []byte("9")}}, ""},
		{"a gap in a run", []diff.Change{{Kind: diff.Added, Path: at(2), New: []byte("3")}, {Kind: diff.Added, Path: at(4), New: []byte("3")}}, ""},
		{"removed and added again", []diff.Change{{Kind: diff.Removed, Path: diff.Path{k}, Old: []byte(`" a  b "`)}, {Kind: diff.Added, Path: diff.Path{k}, New: []byte("1")}}, `{"l":[1,2],"k":1}`},
		{"removed twice", []diff.Change{{Kind: diff.Removed, Path: diff.Path{k}, Old: []byte(`" a  b "`)}, {Kind: diff.Removed, Path: diff.Path{k}, Old: []byte(`" a  b "`)}}, ""},
		{"a key that is not UTF-8", []diff.Change{{Kind: diff.Added, Path: diff.Path{diff.Key("\xff")}, New: []byte("1")}}, ""},
	} {
		got, err := diff.Apply([]byte(doc), c.changes)
		if c.want == "" && !errors.Is(err, diff.ErrMismatch) || c.want != "" && (err != nil || string(got) != c.want) {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

// TestTooDeepTogether: a value that is good by itself, but not where it goes.
func TestTooDeepTogether(t *testing.T) {
	deep := []byte(strings.Repeat("[", diff.MaxDepth) + strings.Repeat("]", diff.MaxDepth))
	var syntax *diff.SyntaxError
	for _, c := range []diff.Change{
		{Kind: diff.Added, Path: diff.Path{diff.Key("b")}, New: deep},
		{Kind: diff.Modified, Path: diff.Path{diff.Key("a")}, Old: []byte("1"), New: deep},
	} {
		if got, err := diff.Apply([]byte(`{"a":1}`), []diff.Change{c}); !errors.As(err, &syntax) || got != nil {
			t.Errorf("%v: %s, %v", c.Kind, got, err)
		}
	}
	if got, err := diff.Set([]byte(`{"a":1}`), "/a", deep); !errors.As(err, &syntax) || got != nil {
		t.Errorf("set: %s, %v", got, err)
	}
	if _, err := diff.Set([]byte(`{}`), "/\xff", []byte("1")); !errors.Is(err, diff.ErrPointerSyntax) {
		t.Errorf("a pointer that is not UTF-8: %v", err)
	}
}

func TestEscapesAreDecoded(t *testing.T) {
	for escaped, plain := range map[string]string{
		`"\ud83d\ude00"`: `"😀"`, `"x\u00e9\/\t"`: `"xé/\u0009"`, `{"\ud83d\ude00":1}`: `{"😀":1}`,
	} {
		if same, err := diff.Equal([]byte(escaped), []byte(plain)); !same || err != nil {
			t.Errorf("%s is not %s: %v", escaped, plain, err)
		}
	}
}

// TestChangesThatAreNone: what is incomplete must not be read as something else.
func TestChangesThatAreNone(t *testing.T) {
	for _, text := range []string{
		`{"kind":"added","new":1}`, `{"kind":"added","path":null,"new":1}`, `{"path":[],"new":1}`, `{"kind":"unchanged","path":[]}`,
		`{"kind":"moved","path":[]}`, `{"kind":"added","path":"/a","new":1}`, `{"kind":"added","path":[-1],"new":1}`,
		`{"kind":"added","path":[0.5],"new":1}`, `{"kind":"added","path":[1e300],"new":1}`, `{"kind":"added","path":[null],"new":1}`,
	} {
		var c diff.Change
		if err := json.Unmarshal([]byte(text), &c); err == nil {
			t.Errorf("%s was read as %v", text, c)
		}
	}
	if text, err := json.Marshal(diff.Change{Kind: 9}); err == nil {
		t.Errorf("Kind(9) was written as %s", text)
	}
}
