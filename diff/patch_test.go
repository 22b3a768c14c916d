package diff_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate/diff"
)

// patchCases are those of RFC 6902, appendix A, as far as its readers accept them,
// and some more.
var patchCases = []struct{ name, doc, patch, want string }{
	{"A.1 an object member is added", `{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux"}]`, `{"foo":"bar","baz":"qux"}`},
	{"A.2 an element is added", `{"foo":["bar","baz"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{"foo":["bar","qux","baz"]}`},
	{"A.3 an object member is removed", `{"baz":"qux","foo":"bar"}`, `[{"op":"remove","path":"/baz"}]`, `{"foo":"bar"}`},
	{"A.4 an element is removed", `{"foo":["bar","qux","baz"]}`, `[{"op":"remove","path":"/foo/1"}]`, `{"foo":["bar","baz"]}`},
	{"A.5 a value is replaced", `{"baz":"qux","foo":"bar"}`, `[{"op":"replace","path":"/baz","value":"boo"}]`, `{"baz":"boo","foo":"bar"}`},
	{"A.6 a value is moved", `{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`, `{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`},
	{"A.7 an element is moved", `{"foo":["all","grass","cows","eat"]}`, `[{"op":"move","from":"/foo/1","path":"/foo/3"}]`, `{"foo":["all","cows","eat","grass"]}`},
	{"A.8 a value is tested", `{"baz":"qux","foo":["a",2,"c"]}`, `[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]`, `{"baz":"qux","foo":["a",2,"c"]}`},
	{"A.10 a nested member is added", `{"foo":"bar"}`, `[{"op":"add","path":"/child","value":{"grandchild":{}}}]`, `{"foo":"bar","child":{"grandchild":{}}}`},
	{"A.11 unknown members are ignored", `{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux","xyz":123}]`, `{"foo":"bar","baz":"qux"}`},
	{"A.14 ~ is escaped", `{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":10}]`, `{"/":9,"~1":10}`},
	{"A.16 a list is appended", `{"foo":["bar"]}`, `[{"op":"add","path":"/foo/-","value":["abc","def"]}]`, `{"foo":["bar",["abc","def"]]}`},
	{"4.1 a member that exists is replaced", `{"a":1,"b":2}`, `[{"op":"add","path":"/a","value":null}]`, `{"a":null,"b":2}`},
	{"the whole document", `{"a":1}`, `[{"op":"add","path":"","value":[1.0]}]`, `[1.0]`},
	{"a copy is a value of its own", `{"a":{"x":[1]}}`, `[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/b/x/-","value":2}]`, `{"a":{"x":[1]},"b":{"x":[1,2]}}`},
	{"the document is copied into itself", `{"a":1}`, `[{"op":"copy","from":"","path":"/b"}]`, `{"a":1,"b":{"a":1}}`},
	{"a value takes the place of what is around it", `{"a":{"b":{"c":1}}}`, `[{"op":"move","from":"/a/b","path":"/a"}]`, `{"a":{"c":1}}`},
	{"moved to where it is", `{"a":1}`, `[{"op":"move","from":"/a","path":"/a"}]`, `{"a":1}`},
	{"test ignores order and layout", `{"a":{"x":1,"y":["\u0061"]}}`, `[{"op":"test","path":"/a","value":{ "y" : ["a"], "x":1 }}]`, `{"a":{"x":1,"y":["\u0061"]}}`},
	{"test compares numbers by value", `{"a":[1,-0.0,1e400,120]}`, `[{"op":"test","path":"/a","value":[1.0,0,10E+399,1.2e2]},{"op":"test","path":"","value":{"a":[10e-1,0e9,1e400,120.00]}}]`, `{"a":[1,-0.0,1e400,120]}`},
	{"test sees what was done", `{"a":1}`, `[{"op":"replace","path":"/a","value":2},{"op":"test","path":"","value":{"a":2}},{"op":"remove","path":"/a"}]`, `{}`},
	{"members whose keys are numbers", `{"5":0}`, `[{"op":"add","path":"/1","value":1},{"op":"add","path":"/2","value":2},{"op":"remove","path":"/5"},{"op":"remove","path":"/2"}]`, `{"1":1}`},
	{"elements in runs", `[1,2,3,4,5]`, `[{"op":"remove","path":"/4"},{"op":"remove","path":"/2"},{"op":"remove","path":"/0"},{"op":"add","path":"/0","value":0},{"op":"add","path":"/2","value":3},{"op":"add","path":"/4","value":5}]`, `[0,2,3,4,5]`},
	{"elements against the run", `[1]`, `[{"op":"add","path":"/0","value":2},{"op":"add","path":"/0","value":3},{"op":"remove","path":"/0"},{"op":"remove","path":"/0"}]`, `[1]`},
	{"nothing", ` { "a" : 1 } `, `[]`, `{"a":1}`},
}

func TestPatch(t *testing.T) {
	for _, c := range patchCases {
		patch, err := diff.ParsePatch([]byte(c.patch))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, err := patch.Apply([]byte(c.doc)); err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
		text, err := json.Marshal(patch)
		var again diff.Patch
		if err == nil {
			err = json.Unmarshal(text, &again)
		}
		if got, applyErr := again.Apply([]byte(c.doc)); err != nil || applyErr != nil || string(got) != c.want {
			t.Errorf("%s: %s came back as %s, %v", c.name, c.patch, text, errors.Join(err, applyErr))
		}
	}
}

func TestPatchErrors(t *testing.T) {
	deep := strings.Repeat("[", diff.MaxDepth-2) + strings.Repeat("]", diff.MaxDepth-2) // as deep as a patch can say
	var syntax *diff.SyntaxError
	for _, c := range []struct {
		patch string // one operation, behind one that succeeds
		want  error  // nil: a *SyntaxError
	}{
		{`{"op":"test","path":"/a","value":1.01}`, diff.ErrTest},
		{`{"op":"test","path":"/a","value":-1}`, diff.ErrTest},
		{`{"op":"test","path":"/a","value":10}`, diff.ErrTest},
		{`{"op":"test","path":"/a","value":"1"}`, diff.ErrTest},
		{`{"op":"test","path":"/a","value":1e99999999999999999999}`, diff.ErrTest},
		{`{"op":"test","path":"/l","value":[2,1]}`, diff.ErrTest},
		{`{"op":"test","path":"/absent/deep","value":1}`, diff.ErrTest},
		{`{"op":"test","path":"/l/7","value":1}`, diff.ErrTest},
		{`{"op":"test","path":"/x","value":null}`, diff.ErrPointer},
		{`{"op":"remove","path":"/x"}`, diff.ErrPointer},
		{`{"op":"remove","path":"/l/2"}`, diff.ErrPointer},
		{`{"op":"remove","path":"/l/-"}`, diff.ErrPointer},
		{`{"op":"replace","path":"/x","value":1}`, diff.ErrPointer},
		{`{"op":"replace","path":"/l/2","value":1}`, diff.ErrPointer},
		{`{"op":"add","path":"/x/y","value":1}`, diff.ErrPointer},
		{`{"op":"add","path":"/a/y","value":1}`, diff.ErrPointer},
		{`{"op":"add","path":"/l/3","value":1}`, diff.ErrPointer},
		{`{"op":"add","path":"/l/01","value":1}`, diff.ErrPointer},
		{`{"op":"move","from":"/x","path":"/y"}`, diff.ErrPointer},
		{`{"op":"move","from":"/o","path":"/o/p/q"}`, diff.ErrPatch},
		{`{"op":"copy","from":"/a","path":"/x/y"}`, diff.ErrPointer},
		{`{"op":"add","path":"/o/p/deep","value":` + deep + `}`, nil},
		{`{"op":"spam","path":"/a"}`, diff.ErrPatch},
		{`{"op":"add","path":"/a"}`, diff.ErrPatch},
		{`{"op":"add","value":1}`, diff.ErrPatch},
		{`{"path":"/a","value":1}`, diff.ErrPatch},
		{`{"OP":"remove","path":"/a"}`, diff.ErrPatch},
		{`{"op":"move","path":"/a"}`, diff.ErrPatch},
		{`{"op":"copy","path":"/a","from":1}`, diff.ErrPatch},
		{`{"op":"remove","path":["a"]}`, diff.ErrPatch},
		{`{"op":"remove","path":"a"}`, diff.ErrPointerSyntax},
		{`{"op":"move","from":"/~","path":"/a"}`, diff.ErrPointerSyntax},
		{`7`, diff.ErrPatch},
	} {
		const doc = `{"a":1,"l":[1,2],"o":{"p":{}}}`
		patch, err := diff.ParsePatch([]byte(`[{"op":"add","path":"/done","value":1},` + c.patch + `]`))
		if err == nil {
			var got []byte
			if got, err = patch.Apply([]byte(doc)); got != nil {
				t.Errorf("%.60s: came to %s in spite of %v", c.patch, got, err)
			}
		}
		var operation *diff.OperationError
		if !errors.As(err, &operation) || operation.Index != 1 || c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, &syntax) {
			t.Errorf("%.60s: %v, want operation 1 and %v", c.patch, err, c.want)
		}
	}
	for text, want := range map[string]error{`{}`: diff.ErrPatch, `null`: diff.ErrPatch} {
		if _, err := diff.ParsePatch([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := diff.ParsePatch([]byte(`[{"op":"add","op":"remove","path":"/a"}]`)); !errors.As(err, &syntax) {
		t.Errorf("an op that is there twice: %v", err)
	}
	if text, err := json.Marshal(diff.Patch{{Op: "add", Path: "/a"}}); err == nil {
		t.Errorf("an operation without its value was written as %s", text)
	}
}

// TestPatchErrorsNameTheOperation: also where several are done at once.
func TestPatchErrorsNameTheOperation(t *testing.T) {
	for patch, index := range map[string]int{
		`[{"op":"remove","path":"/1"},{"op":"remove","path":"/0"},{"op":"test","path":"","value":[]},{"op":"add","path":"/0","value":1},{"op":"add","path":"/5","value":1}]`: 4,
		`[{"op":"add","path":"/2","value":1},{"op":"add","path":"/3","value":1},{"op":"add","path":"/5","value":1},{"op":"add","path":"/6","value":1}]`:                      2,
		`[{"op":"remove","path":"/2"},{"op":"remove","path":"/1"}]`: 0,
	} {
		parsed, err := diff.ParsePatch([]byte(patch))
		if err != nil {
			t.Fatal(err)
		}
		var operation *diff.OperationError
		if _, err := parsed.Apply([]byte(`[1,2]`)); !errors.As(err, &operation) || operation.Index != index {
			t.Errorf("%s: %v, want operation %d", patch, err, index)
		}
	}
}

// TestCopiesAreBounded: each copy doubles the document.
func TestCopiesAreBounded(t *testing.T) {
	var patch diff.Patch
	for i := range 60 {
		patch = append(patch, diff.Operation{Op: "copy", From: "/0", Path: fmt.Sprintf("/%d", i+1)}, diff.Operation{Op: "copy", Path: "/0/-"})
	}
	if got, err := patch.Apply([]byte(`[["` + strings.Repeat("x", 1000) + `"]]`)); !errors.Is(err, diff.ErrCopyLimit) {
		t.Errorf("came to %d bytes, %v", len(got), err)
	}
	wide := diff.Patch{{Op: "add", Path: "/1", Value: []byte("[]")}}
	for range diff.MaxDepth {
		wide = append(wide, diff.Operation{Op: "copy", From: "", Path: "/1/-"})
	}
	var syntax *diff.SyntaxError
	if got, err := wide.Apply([]byte(`[0]`)); !errors.Is(err, diff.ErrCopyLimit) && !errors.As(err, &syntax) {
		t.Errorf("came to %d bytes, %v", len(got), err)
	}
}

// TestPatchLeadsWhereChangesDo: out, and in again.
func TestPatchLeadsWhereChangesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, new := []byte(document(4).Draw(t, "old")), []byte(document(4).Draw(t, "new"))
		changes := check[[]diff.Change](t)(diff.Diff(old, new))
		text := check[[]byte](t)(json.Marshal(diff.ToPatch(changes)))
		got := check[[]byte](t)(check[diff.Patch](t)(diff.ParsePatch(text)).Apply(old))
		want := check[[]byte](t)(diff.Apply(old, changes))
		if string(got) != string(want) {
			t.Fatalf("%s leads to %s, the changes to %s", text, got, want)
		}
	})
	created, err := diff.ToPatch([]diff.Change{{Kind: diff.Added, New: []byte("1")}}).Apply(nil)
	if err != nil || string(created) != "1" {
		t.Errorf("created: %s, %v", created, err)
	}
	deleted, err := diff.ToPatch([]diff.Change{{Kind: diff.Removed, Old: []byte("1")}}).Apply([]byte("1"))
	if err != nil || deleted != nil {
		t.Errorf("deleted: %s, %v", deleted, err)
	}
	if _, err := (diff.Patch{{Op: "remove"}}).Apply(nil); !errors.Is(err, diff.ErrPointer) {
		t.Errorf("deleted what is not there: %v", err)
	}
}
