package diff_test

import (
	"encoding/json"
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
	// Output: {"interval":2,"fromANewerBinary":[1.50],"name":"x"} <nil>
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
