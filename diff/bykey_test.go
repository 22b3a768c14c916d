package diff_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate/diff"
)

func TestByKey(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"moved and changed at once", `[{"id":1,"x":1},{"id":2,"x":2}]`, `[{"id":2,"x":3}]`, []string{`- /0 {"id":1,"x":1}`, `~ /0/x 2 -> 3`}},
		{"another in its place", `[{"id":1,"x":1}]`, `[{"id":2,"x":1}]`, []string{`- /0 {"id":1,"x":1}`, `+ /0 {"id":2,"x":1}`}},
		{"inserted at the front, everything changed", `[{"id":"a","x":1},{"id":"b","x":1}]`, `[{"id":"c"},{"id":"\u0061","x":2},{"id":"b","x":2}]`,
			[]string{`+ /0 {"id":"c"}`, `~ /1/x 1 -> 2`, `~ /2/x 1 -> 2`}},
		{"filled", `[]`, `[{"id":1}]`, []string{`+ /0 {"id":1}`}},
		{"the second name", `[{"name":"a","x":1}]`, `[{"name":"b","x":1}]`, []string{`- /0 {"name":"a","x":1}`, `+ /0 {"name":"b","x":1}`}},
		{"not all have it: by value", `[{"id":1},{}]`, `[{"id":2},{}]`, []string{`~ /0/id 1 -> 2`}},
		{"twice the same: by value", `[{"id":1,"x":1},{"id":1,"x":2}]`, `[{"id":1,"x":2}]`, []string{`- /0 {"id":1,"x":1}`}},
		{"no string or number: by value", `[{"id":null}]`, `[{"id":[]}]`, []string{`~ /0/id null -> []`}},
		{"no objects: by value", `[1,[{"id":1}]]`, `[2,[{"id":2}]]`, []string{`~ /0 1 -> 2`, `- /1/0 {"id":1}`, `+ /1/0 {"id":2}`}},
	} {
		changes, err := diff.Diff([]byte(c.old), []byte(c.new), diff.ByKey("id", "name"))
		var got []string
		for _, change := range changes {
			got = append(got, change.String())
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

// TestByKeyKeepsTheUnknown: elements go, move, change and come at once, and each
// keeps what only the stored document has of it.
func TestByKeyKeepsTheUnknown(t *testing.T) {
	type element struct {
		ID int `json:"id"`
		X  int `json:"x"`
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) []element {
			ids := rapid.SliceOfDistinct(rapid.IntRange(0, 9), rapid.ID).Draw(t, name)
			list := make([]element, len(ids))
			for i, id := range ids {
				list[i] = element{id, rapid.IntRange(0, 3).Draw(t, "x")}
			}
			return list
		}
		from, to := draw("from"), draw("to")
		before, _ := json.Marshal(from)
		after, _ := json.Marshal(to)
		stored := "["
		for i, e := range from {
			stored += fmt.Sprintf(`%s{"foreign":%d,"id":%d,"x":%d}`, []string{"", ","}[min(i, 1)], e.ID, e.ID, e.X)
		}
		merged := check[[]byte](t)(diff.Merge([]byte(stored+"]"), before, after, diff.ByKey("id")))
		var got []struct {
			element
			Foreign *int `json:"foreign"`
		}
		if err := json.Unmarshal(merged, &got); err != nil {
			t.Fatal(err)
		}
		for i, e := range got {
			stayed := slices.ContainsFunc(from, func(f element) bool { return f.ID == e.ID })
			if e.element != to[i] || (e.Foreign != nil) != stayed || e.Foreign != nil && *e.Foreign != e.ID {
				t.Fatalf("%s became %s, which is not %s", stored, merged, after)
			}
		}
	})
}
