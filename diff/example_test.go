package diff_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/zkstate/zkstate/diff"
)

func ExampleDiff() {
	changes, err := diff.Diff(
		[]byte(`{"processes": ["systemd*", "rsync*"], "interval": 1, "old": true}`),
		[]byte(`{"processes": ["systemd*", "rsync*", "firefox*"], "interval": 2}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range changes {
		fmt.Println(change)
	}
	// Output:
	// ~ /interval 1 -> 2
	// - /old true
	// + /processes/2 "firefox*"
}

func ExampleApply() {
	old := []byte(`{"list": [1, 2, 3]}`)
	changes, err := diff.Diff(old, []byte(`{"list": [0, 1, 3]}`))
	if err != nil {
		log.Fatal(err)
	}
	new, err := diff.Apply(old, changes)
	fmt.Println(string(new), err)
	back, err := diff.Apply(new, diff.Invert(changes))
	fmt.Println(string(back), err)
	// Output:
	// {"list":[0,1,3]} <nil>
	// {"list":[1,2,3]} <nil>
}

func ExampleMerge() {
	stored := []byte(`{"interval": 1, "fromANewerBinary": [1.50]}`)
	merged, err := diff.Merge(stored, []byte(`{"interval":1}`), []byte(`{"interval":2,"name":"x"}`))
	fmt.Println(string(merged), err)
	// Output: {"interval": 2, "fromANewerBinary": [1.50], "name": "x"} <nil>
}

func ExamplePath_Pointer() {
	fmt.Println(diff.Path{diff.Key("a/b"), diff.Key("~"), diff.Index(0), diff.Key("")}.Pointer())
	// Output: /a~1b/~0/0/
}

func ExampleChange_MarshalJSON() {
	text, err := json.Marshal(diff.Change{Kind: diff.Added, Path: diff.Path{diff.Key("processes"), diff.Index(2)}, New: json.RawMessage(`"firefox*"`)})
	fmt.Println(string(text), err)
	// Output: {"kind":"added","path":["processes",2],"pointer":"/processes/2","new":"firefox*"} <nil>
}

func ExampleByKey() {
	old := []byte(`[{"id": "a", "up": true}, {"id": "b", "up": true}]`)
	new := []byte(`[{"id": "c", "up": true}, {"id": "b", "up": false}]`)
	changes, err := diff.Diff(old, new, diff.ByKey("id"))
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range changes {
		fmt.Println(change)
	}
	// Output:
	// - /0 {"id":"a","up":true}
	// + /0 {"id":"c","up":true}
	// ~ /1/up true -> false
}

func ExampleEqual() {
	same, err := diff.Equal([]byte(`{"a": "/", "b": 1}`), []byte(`{"b":1,"a":"\u002f"}`))
	fmt.Println(same, err)
	same, err = diff.Equal([]byte(`1`), []byte(`1.0`))
	fmt.Println(same, err)
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleInvert() {
	changes := []diff.Change{{Kind: diff.Added, Path: diff.Path{diff.Key("a")}, New: json.RawMessage(`1`)}}
	fmt.Println(diff.Invert(changes))
	// Output: [- /a 1]
}

func ExampleCheck() {
	err := diff.Check([]byte(`{"limits": {"cpu": 1, "cpu": 2}}`))
	fmt.Println(err)
	var syntax *diff.SyntaxError
	fmt.Println(errors.As(err, &syntax), syntax.Offset, syntax.Pointer)
	// Output:
	// JSON at byte 22 (/limits/cpu): the key is there twice in its object
	// true 22 /limits/cpu
}

func ExampleLookup() {
	value, err := diff.Lookup([]byte(`{"processes": ["systemd*", "rsync*"]}`), "/processes/1")
	fmt.Println(string(value), err)
	_, err = diff.Lookup([]byte(`{"processes": []}`), "/processes/1")
	fmt.Println(errors.Is(err, diff.ErrPointer), err)
	// Output:
	// "rsync*" <nil>
	// true "/processes/1": there is no "1": no such place in the document
}

func ExampleSet() {
	doc, err := diff.Set([]byte(`{"processes": ["systemd*"], "big": 9007199254740993}`), "/processes/-", []byte(`"rsync*"`))
	fmt.Println(string(doc), err)
	// Output: {"processes":["systemd*","rsync*"],"big":9007199254740993} <nil>
}

func ExampleUnset() {
	doc, err := diff.Unset([]byte(`{"processes": ["systemd*", "rsync*"]}`), "/processes/0")
	fmt.Println(string(doc), err)
	// Output: {"processes":["rsync*"]} <nil>
}

func ExampleToPatch() {
	changes, err := diff.Diff([]byte(`{"a": 1, "l": [1, 2]}`), []byte(`{"b": 2, "l": [0, 1, 2]}`))
	if err != nil {
		log.Fatal(err)
	}
	text, err := json.Marshal(diff.ToPatch(changes))
	fmt.Println(string(text), err)
	// Output: [{"op":"remove","path":"/a"},{"op":"add","path":"/b","value":2},{"op":"add","path":"/l/0","value":0}] <nil>
}

func ExamplePatch_Apply() {
	patch, err := diff.ParsePatch([]byte(`[
		{"op": "test", "path": "/owner", "value": null},
		{"op": "add", "path": "/owner", "value": "me"}
	]`))
	if err != nil {
		log.Fatal(err)
	}
	doc, err := patch.Apply([]byte(`{"owner": null}`))
	fmt.Println(string(doc), err)
	_, err = patch.Apply([]byte(`{"owner": "somebody"}`))
	fmt.Println(errors.Is(err, diff.ErrTest), err)
	// Output:
	// {"owner":"me"} <nil>
	// true operation 0 (test): "/owner": the test failed
}

func ExampleParsePatch() {
	_, err := diff.ParsePatch([]byte(`[{"op": "remove", "path": "/a"}, {"op": "add", "path": "/b"}]`))
	var operation *diff.OperationError
	fmt.Println(errors.As(err, &operation), operation.Index, errors.Is(err, diff.ErrPatch))
	// Output: true 1 true
}

func ExampleChange_String() {
	path := diff.Path{diff.Key("limits"), diff.Key("cpu")}
	fmt.Println(diff.Change{Kind: diff.Modified, Path: path, Old: json.RawMessage(`1`), New: json.RawMessage(`2.50`)})
	// Output: ~ /limits/cpu 1 -> 2.50
}

func ExampleStep() {
	for _, step := range (diff.Path{diff.Key("processes"), diff.Index(2)}) {
		fmt.Println(step.IsIndex(), step.Key(), step.Index())
	}
	fmt.Println(diff.Key("1") == diff.Index(1))
	// Output:
	// false processes 0
	// true  2
	// false
}

func ExampleKind() {
	text, err := json.Marshal([]diff.Kind{diff.Added, diff.Removed, diff.Modified})
	fmt.Println(string(text), err, diff.Modified)
	// Output: ["added","removed","modified"] <nil> modified
}

func ExampleChange_UnmarshalJSON() {
	var change diff.Change
	err := json.Unmarshal([]byte(`{"kind":"removed","path":["a",0],"old":1.0}`), &change)
	fmt.Println(change, err)
	err = json.Unmarshal([]byte(`{"kind":"removed","old":1.0}`), &change)
	fmt.Println(err)
	// Output:
	// - /a/0 1.0 <nil>
	// a change must have a path
}

func ExampleOperation() {
	patch := diff.Patch{
		{Op: "test", Path: "/stage", Value: json.RawMessage(`"blue"`)},
		{Op: "move", From: "/next", Path: "/stage"},
	}
	doc, err := patch.Apply([]byte(`{"stage":"blue","next":"green"}`))
	fmt.Println(string(doc), err)
	text, err := json.Marshal(patch)
	fmt.Println(string(text), err)
	// Output:
	// {"stage":"green"} <nil>
	// [{"op":"test","path":"/stage","value":"blue"},{"op":"move","from":"/next","path":"/stage"}] <nil>
}
