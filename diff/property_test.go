package diff_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate/diff"
)

// document draws a small document. Few values make equal parts likely; odd keys are
// what pointers have to escape.
func document(depth int) *rapid.Generator[string] {
	leaves := []string{"null", "true", "false", "0", "1", "1.0", "9007199254740993", "1e400", `""`, `"a"`, `"\u0061"`, `"ü\n\ud83d\ude00"`, "[]", "{}"}
	return rapid.Custom(func(t *rapid.T) string {
		shape := rapid.IntRange(0, 4).Draw(t, "shape")
		if depth == 0 || shape == 0 {
			return rapid.SampledFrom(leaves).Draw(t, "leaf")
		}
		if shape < 3 {
			return "[" + strings.Join(rapid.SliceOfN(document(depth-1), 0, 6).Draw(t, "items"), ",") + "]"
		}
		keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"", "a", "b", "c", "/", "~", "~1", "0", "1", "ü", "-", `q"`}), 0, 5, rapid.ID).Draw(t, "keys")
		members := make([]string, len(keys))
		for i, key := range keys {
			quoted, _ := json.Marshal(key)
			members[i] = string(quoted) + ": " + document(depth-1).Draw(t, "value")
		}
		return "{" + strings.Join(members, ",") + "}"
	})
}

func check[T any](t *rapid.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestApplyAndInvert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, new := []byte(document(4).Draw(t, "old")), []byte(document(4).Draw(t, "new"))
		changes := check[[]diff.Change](t)(diff.Diff(old, new))
		got := check[[]byte](t)(diff.Apply(old, changes))
		if !check[bool](t)(diff.Equal(got, new)) {
			t.Fatalf("Apply gave %s", got)
		}
		back := check[[]byte](t)(diff.Apply(new, diff.Invert(changes)))
		if !check[bool](t)(diff.Equal(back, old)) {
			t.Fatalf("the inverse gave %s", back)
		}
		if same := check[bool](t)(diff.Equal(old, new)); same != (len(changes) == 0) {
			t.Fatalf("equal is %v, with %d changes", same, len(changes))
		}
		encoded := check[[]byte](t)(json.Marshal(changes))
		var decoded []diff.Change
		if err := json.Unmarshal(encoded, &decoded); err != nil || fmt.Sprint(decoded) != fmt.Sprint(changes) {
			t.Fatalf("changes %s came back as %v, %v", encoded, decoded, err)
		}
	})
}

func TestDiffIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, new := []byte(document(4).Draw(t, "old")), []byte(document(4).Draw(t, "new"))
		want := check[[]diff.Change](t)(diff.Diff(old, new))
		shuffle := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		got := check[[]diff.Change](t)(diff.Diff(reorder(old, shuffle), reorder(new, shuffle)))
		if len(got) != len(want) {
			t.Fatalf("%v after shuffling keys, before %v", got, want)
		}
		for i := range got {
			if got[i].Kind != want[i].Kind || !slices.Equal(got[i].Path, want[i].Path) {
				t.Fatalf("change %d is %v after shuffling keys, before %v", i, got[i], want[i])
			}
		}
	})
}

// reorder shuffles the keys of every object.
func reorder(doc []byte, shuffle *rand.Rand) []byte {
	var list []json.RawMessage
	if json.Unmarshal(doc, &list) == nil && list != nil {
		for i := range list {
			list[i] = reorder(list[i], shuffle)
		}
		var b strings.Builder
		for i, item := range list {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(item)
		}
		return []byte("[" + b.String() + "]")
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) == nil && members != nil {
		var parts []string
		for key, value := range members {
			quoted, _ := json.Marshal(key)
			parts = append(parts, string(quoted)+":"+string(reorder(value, shuffle)))
		}
		slices.Sort(parts)
		shuffle.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		return []byte("{" + strings.Join(parts, ",") + "}")
	}
	return doc
}

func TestMergeOntoItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := []byte(document(4).Draw(t, "before")), []byte(document(4).Draw(t, "after"))
		got := check[[]byte](t)(diff.Merge(before, before, after))
		if !check[bool](t)(diff.Equal(got, after)) {
			t.Fatalf("Merge gave %s", got)
		}
	})
}

// TestMergeKeepsUnknownFields: stored has a field more than before and after know,
// at every level.
func TestMergeKeepsUnknownFields(t *testing.T) {
	type inner struct {
		A int            `json:"a"`
		M map[string]int `json:"m,omitempty"`
	}
	type outer struct {
		I inner   `json:"i"`
		L []inner `json:"l"`
	}
	draw := func(t *rapid.T, name string) outer {
		one := rapid.Custom(func(t *rapid.T) inner {
			return inner{rapid.IntRange(0, 3).Draw(t, "a"), rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), rapid.IntRange(0, 2), 0, 2).Draw(t, "m")}
		})
		return outer{one.Draw(t, name), rapid.SliceOfN(one, 0, 4).Draw(t, name)}
	}
	rapid.Check(t, func(t *rapid.T) {
		from, to := draw(t, "from"), draw(t, "to")
		to.L = append(slices.Clone(from.L), to.L...) // keeps what was there, so what it carries must stay
		before, _ := json.Marshal(from)
		after, _ := json.Marshal(to)
		stored := []byte(strings.ReplaceAll(string(before), `{"a":`, `{"newer":[1,{"deep":2.50}],"a":`))
		stored = []byte(strings.Replace(string(stored), `{"i":`, `{"top":9007199254740993,"i":`, 1))
		merged := check[[]byte](t)(diff.Merge(stored, before, after))
		var got outer
		if err := json.Unmarshal(merged, &got); err != nil {
			t.Fatal(err)
		}
		again, _ := json.Marshal(got)
		if string(again) != string(after) {
			t.Fatalf("merged to %s, which is read as %s, not %s", merged, again, after)
		}
		if n := strings.Count(string(merged), `"newer":[1,{"deep":2.50}]`); n != 1+len(from.L) || !strings.Contains(string(merged), `"top":9007199254740993`) {
			t.Fatalf("unknown fields of %s did not survive: %s", stored, merged)
		}
	})
}

// TestListsAreMinimal compares with the longest common subsequence by brute force:
// a list costs no more changes than elements came, went or were replaced.
func TestListsAreMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		element := rapid.SampledFrom([]string{"1", "2", "3", "4"})
		a, b := rapid.SliceOfN(element, 0, 9).Draw(t, "a"), rapid.SliceOfN(element, 0, 9).Draw(t, "b")
		changes := check[[]diff.Change](t)(diff.Diff([]byte("["+strings.Join(a, ",")+"]"), []byte("["+strings.Join(b, ",")+"]")))
		cost := 0
		for _, c := range changes {
			if cost++; c.Kind == diff.Modified {
				cost++
			}
		}
		if want := len(a) + len(b) - 2*common(a, b); cost != want {
			t.Fatalf("%v to %v: %v takes %d insertions and deletions, %d would do", a, b, changes, cost, want)
		}
	})
}

func common(a, b []string) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return 0
	case a[0] == b[0]:
		return 1 + common(a[1:], b[1:])
	}
	return max(common(a[1:], b), common(a, b[1:]))
}
