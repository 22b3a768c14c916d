package diff_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/diff"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestGolden holds testdata/golden.txt, which is for people to review: pairs of
// documents, and under each the changes in the form that users see. They lead there,
// and back.
func TestGolden(t *testing.T) {
	const file = "testdata/golden.txt"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(string(want)), "\n\n") {
		lines := strings.Split(block, "\n")
		if len(lines) < 3 || !strings.HasPrefix(lines[0], "# ") {
			t.Fatalf("a case is a title, the old and the new document, and the changes: %q", block)
		}
		changes, err := diff.Diff(golden(lines[1]), golden(lines[2]), goldenKeys(lines[0])...)
		if err != nil {
			t.Fatalf("%s: %v", lines[0], err)
		}
		thereAndBack(t, lines[0], golden(lines[1]), golden(lines[2]), changes)
		fmt.Fprintf(&got, "%s\n%s\n%s\n", lines[0], lines[1], lines[2])
		for _, c := range changes {
			fmt.Fprintf(&got, "  %v\n", c)
		}
		got.WriteByte('\n')
	}
	result := strings.TrimSpace(got.String()) + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(result), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if result != string(want) {
		t.Errorf("got\n%s\nwant\n%s", result, want)
	}
}

func thereAndBack(t *testing.T, title string, old, new []byte, changes []diff.Change) {
	there, err := diff.Apply(old, changes)
	if same, equalErr := diff.Equal(there, new); err != nil || equalErr != nil || !same {
		t.Errorf("%s: leads to %s, %v", title, there, err)
	}
	back, err := diff.Apply(new, diff.Invert(changes))
	if same, equalErr := diff.Equal(back, old); err != nil || equalErr != nil || !same {
		t.Errorf("%s: leads back to %s, %v", title, back, err)
	}
}

// goldenKeys is what a title says of identities: (by id, name).
func goldenKeys(title string) []diff.Option {
	_, names, ok := strings.Cut(strings.TrimSuffix(title, ")"), "(by ")
	if !ok {
		return nil
	}
	return []diff.Option{diff.ByKey(strings.Split(names, ", ")...)}
}

func golden(line string) []byte {
	if line == "(none)" {
		return nil
	}
	return []byte(line)
}

// refused is what Check must not let through, and what its reason must name.
var refused = []struct{ doc, pointer, reason string }{
	{``, "", "empty"},
	{"  \n", "", "empty"},
	{`{`, "/", "key"},
	{`{"a"`, "/a", "colon"},
	{`{"a":`, "/a", "ends"},
	{`{"a":1`, "/a", "comma"},
	{`{"a":1,}`, "/", "key"},
	{`[1,]`, "/1", "value"},
	{`[1 2]`, "/0", "comma"},
	{`{} {}`, "", "after the end"},
	{`{"a":1,"b":2,"\u0061":3}`, "/a", "twice"},
	{`{"x":{"":1,"":2}}`, "/x/", "twice"},
	{"\"\xff\"", "", "UTF-8"},
	{"{\"\xc0\xaf\":1}", "/", "UTF-8"},
	{"\"\xed\xa0\x80\"", "", "UTF-8"},
	{`"\ud800"`, "", "surrogate"},
	{`"\ud800\u0041"`, "", "surrogate"},
	{`"\udc00"`, "", "surrogate"},
	{`"\x41"`, "", "escape"},
	{`"\u12"`, "", "escape"},
	{`"\u12+4"`, "", "hexadecimal"},
	{"\"a\nb\"", "", "control"},
	{`"a`, "", "ends"},
	{`"a\`, "", "escape"},
	{`01`, "", "after the end"},
	{`-`, "", "digit"},
	{`1.`, "", "digit"},
	{`1e`, "", "digit"},
	{`+1`, "", "value"},
	{`NaN`, "", "value"},
	{`tru`, "", "value"},
	{strings.Repeat("[", diff.MaxDepth+1), "", "deep"},
	{strings.Repeat("[", 10_000_000), "", "deep"},
	{strings.Repeat(`{"a":`, diff.MaxDepth+1) + "1", "", "deep"},
}

func TestCheckRefuses(t *testing.T) {
	for _, c := range refused {
		err := diff.Check([]byte(c.doc))
		var syntax *diff.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(syntax.Reason, c.reason) || syntax.Offset < 0 || syntax.Offset > int64(len(c.doc)) {
			t.Errorf("%.40q: %v, want a reason with %q", c.doc, err, c.reason)
			continue
		}
		if c.reason != "deep" && syntax.Pointer != c.pointer {
			t.Errorf("%.40q: at %q, want %q", c.doc, syntax.Pointer, c.pointer)
		}
	}
	deep := strings.Repeat("[", diff.MaxDepth) + strings.Repeat("]", diff.MaxDepth)
	if err := diff.Check([]byte(deep)); err != nil {
		t.Errorf("nested as deep as is allowed: %v", err)
	}
}

func TestErrorsQuoteNoValues(t *testing.T) {
	for _, doc := range []string{`{"key":"secret`, `{"key":"secret" "x"}`, `["secret",01]`, `"secret" 1`, `{"key":12345678x}`} {
		if err := diff.Check([]byte(doc)); err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "1234") {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestApplyRefusesWhatDoesNotFit(t *testing.T) {
	a, x, l := diff.Key("a"), diff.Key("x"), diff.Key("l")
	doc := []byte(`{"a":1,"l":[1,2],"o":{}}`)
	for _, c := range []diff.Change{
		{Kind: diff.Added, Path: diff.Path{a}, New: json.RawMessage("2")},
		{Kind: diff.Added, Path: diff.Path{a, x}, New: json.RawMessage("2")},
		{Kind: diff.Added, Path: diff.Path{x, x}, New: json.RawMessage("2")},
		{Kind: diff.Added, Path: diff.Path{l, diff.Index(3)}, New: json.RawMessage("2")},
		{Kind: diff.Added, Path: diff.Path{l, diff.Index(-1)}, New: json.RawMessage("2")},
		{Kind: diff.Added, Path: diff.Path{l, diff.Key("0")}, New: json.RawMessage("2")},
		{Kind: diff.Added, Path: diff.Path{diff.Index(0)}, New: json.RawMessage("2")},
		{Kind: diff.Added, New: json.RawMessage("2")},
		{Kind: diff.Removed, Path: diff.Path{x}, Old: json.RawMessage("1")},
		{Kind: diff.Removed, Path: diff.Path{a}, Old: json.RawMessage("2")},
		{Kind: diff.Removed, Path: diff.Path{l, diff.Index(2)}, Old: json.RawMessage("2")},
		{Kind: diff.Modified, Path: diff.Path{a}, Old: json.RawMessage("1.0"), New: json.RawMessage("2")},
		{Kind: diff.Modified, Path: diff.Path{x}, Old: json.RawMessage("1"), New: json.RawMessage("2")},
		{Kind: diff.Unchanged, Path: diff.Path{a}},
		{Kind: 77, Path: diff.Path{a}},
	} {
		if got, err := diff.Apply(doc, []diff.Change{c}); !errors.Is(err, diff.ErrMismatch) {
			t.Errorf("%v gave %s, %v", c, got, err)
		}
	}
	if _, err := diff.Apply(nil, []diff.Change{{Kind: diff.Removed, Path: diff.Path{a}}}); !errors.Is(err, diff.ErrMismatch) {
		t.Errorf("on no document: %v", err)
	}
	if _, err := diff.Apply(doc, []diff.Change{{Kind: diff.Added, Path: diff.Path{x}, New: json.RawMessage("{")}}); err == nil {
		t.Error("a broken value was added")
	}
}

func TestPointers(t *testing.T) {
	const doc = `{"a":{"b":[1,"two",{"c":null}]},"":0,"/":1,"~":2,"~1":3,"0":[4.50]}`
	for pointer, want := range map[string]string{
		"": doc, "/a/b/1": `"two"`, "/a/b/2/c": "null", "/": "0", "/~1": "1", "/~0": "2", "/~01": "3", "/0/0": "4.50",
	} {
		if got, err := diff.Lookup([]byte(doc), pointer); err != nil || string(got) != want {
			t.Errorf("Lookup %q: %s, %v", pointer, got, err)
		}
	}
	for pointer, want := range map[string]error{
		"/x": diff.ErrPointer, "/a/b/3": diff.ErrPointer, "/a/b/-": diff.ErrPointer, "/a/b/01": diff.ErrPointer, "/a/b/-1": diff.ErrPointer,
		"/a/b/x": diff.ErrPointer, "/a/b/0/x": diff.ErrPointer, "a": diff.ErrPointerSyntax, "/~": diff.ErrPointerSyntax, "/~2": diff.ErrPointerSyntax,
	} {
		if _, err := diff.Lookup([]byte(doc), pointer); !errors.Is(err, want) {
			t.Errorf("Lookup %q: %v", pointer, err)
		}
		if _, err := diff.Unset([]byte(doc), pointer); !errors.Is(err, want) {
			t.Errorf("Unset %q: %v", pointer, err)
		}
	}
}

func TestSetAndUnset(t *testing.T) {
	const doc = `{"l":[1,2],"o":{"x":1}}`
	for _, c := range []struct{ pointer, value, want string }{
		{"", "[1, 2]", "[1,2]"},
		{"/n", `"new"`, `{"l":[1,2],"o":{"x":1},"n":"new"}`},
		{"/l/-", "3", `{"l":[1,2,3],"o":{"x":1}}`},
		{"/l/2", "3", `{"l":[1,2,3],"o":{"x":1}}`},
		{"/l/0", "1.0", `{"l":[1.0,2],"o":{"x":1}}`},
		{"/o/-", "3", `{"l":[1,2],"o":{"x":1,"-":3}}`},
		{"/o", "{}", `{"l":[1,2],"o":{}}`},
	} {
		if got, err := diff.Set([]byte(doc), c.pointer, []byte(c.value)); err != nil || string(got) != c.want {
			t.Errorf("Set %q: %s, %v; want %s", c.pointer, got, err, c.want)
		}
	}
	for pointer, want := range map[string]error{"/x/y": diff.ErrPointer, "/l/3": diff.ErrPointer, "/l/0/y": diff.ErrPointer, "/l/x": diff.ErrPointer, "y": diff.ErrPointerSyntax} {
		if _, err := diff.Set([]byte(doc), pointer, []byte("1")); !errors.Is(err, want) {
			t.Errorf("Set %q: %v", pointer, err)
		}
	}
	for pointer, want := range map[string]string{"/l/0": `{"l":[2],"o":{"x":1}}`, "/o/x": `{"l":[1,2],"o":{}}`, "/o": `{"l":[1,2]}`} {
		if got, err := diff.Unset([]byte(doc), pointer); err != nil || string(got) != want {
			t.Errorf("Unset %q: %s, %v; want %s", pointer, got, err, want)
		}
	}
	if _, err := diff.Unset([]byte(doc), ""); !errors.Is(err, diff.ErrPointerSyntax) {
		t.Errorf("Unset of the whole document: %v", err)
	}
	if _, err := diff.Set([]byte(doc), "/a", []byte("{")); err == nil {
		t.Error("a broken value was set")
	}
}
