package diff_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate/diff"
)

// TestRepetitiveListsAreMinimal: few elements that recur often take another way to
// the longest common subsequence than those that do not.
func TestRepetitiveListsAreMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		element := rapid.SampledFrom([]string{"1", "2", "3"}[:rapid.IntRange(1, 3).Draw(t, "alphabet")])
		a, b := rapid.SliceOfN(element, 0, 80).Draw(t, "a"), rapid.SliceOfN(element, 0, 80).Draw(t, "b")
		cost := 0
		for _, c := range exact(t, a, b) {
			if cost++; c.Kind == diff.Modified {
				cost++
			}
		}
		if want := len(a) + len(b) - 2*longest(a, b); cost != want {
			t.Fatalf("%d insertions and deletions, %d would do", cost, want)
		}
	})
}

// TestListsBeyondTheLimit: more differences than are looked at together.
func TestListsBeyondTheLimit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	letters := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(random.IntN(6))
		}
		return out
	}
	for range 3 {
		a, b := letters(3000), letters(3000)
		shortest := len(a) + len(b) - 2*longest(a, b)
		if shortest <= 1<<10 {
			t.Fatal("the lists are too alike for this test")
		}
		cost := 0
		for _, c := range exact(t, a, b) {
			if cost++; c.Kind == diff.Modified {
				cost++
			}
		}
		if cost > shortest*11/10 {
			t.Errorf("%d insertions and deletions, %d would do", cost, shortest)
		}
	}
}

type fataler interface{ Fatal(...any) }

// exact returns the changes between two lists, which must lead there and back.
func exact(t fataler, a, b []string) []diff.Change {
	old, new := []byte("["+strings.Join(a, ",")+"]"), []byte("["+strings.Join(b, ",")+"]")
	changes, err := diff.Diff(old, new)
	if err != nil {
		t.Fatal(err)
	}
	got, err := diff.Apply(old, changes)
	if err != nil || string(got) != string(new) {
		t.Fatal("Apply leads elsewhere: ", err)
	}
	back, err := diff.Apply(new, diff.Invert(changes))
	if err != nil || string(back) != string(old) {
		t.Fatal("the inverse leads elsewhere: ", err)
	}
	return changes
}

func longest(a, b []string) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for j := range b {
			above := row[j+1]
			row[j+1] = max(above, row[j])
			if a[i] == b[j] {
				row[j+1] = diagonal + 1
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

// TestLargeObjects: as many keys as need a table, some written with escapes.
func TestLargeObjects(t *testing.T) {
	object := func(from, to int, key string) []byte {
		var members []string
		for i := from; i < to; i++ {
			members = append(members, fmt.Sprintf(`"`+key+`%d":%d`, i, i))
		}
		return []byte("{" + strings.Join(members, ",") + "}")
	}
	old, new := object(0, 500, `k`), object(100, 700, `\u006b`)
	changes, err := diff.Diff(old, new)
	if err != nil || len(changes) != 300 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
	if got, err := diff.Apply(old, changes); err != nil {
		t.Error(err)
	} else if same, err := diff.Equal(got, new); !same || err != nil {
		t.Error("Apply leads elsewhere")
	}
	if got, err := diff.Merge(old, old, new); err != nil {
		t.Error(err)
	} else if same, _ := diff.Equal(got, new); !same {
		t.Error("Merge leads elsewhere")
	}
	twice := strings.Replace(string(old), `"k499"`, `"\u006b7"`, 1)
	var syntax *diff.SyntaxError
	if err := diff.Check([]byte(twice)); !errors.As(err, &syntax) || syntax.Pointer != "/k7" {
		t.Errorf("a key that is there twice: %v", err)
	}
}

// TestReturnedChangesAreTheCallers: memory that is used again must not show.
func TestReturnedChangesAreTheCallers(t *testing.T) {
	old, new := []byte(`{"a":"before","l":[1]}`), []byte(`{"a":"after","l":[1,{"x":2}]}`)
	changes, err := diff.Diff(old, new)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(changes)
	clear(old)
	clear(new)
	for range 100 {
		if _, err := diff.Diff([]byte(`["z"]`), []byte(`["y","w"]`)); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(changes); got != want {
		t.Errorf("changes became %s, were %s", got, want)
	}
}

func TestChangeIsOneHarmlessLine(t *testing.T) {
	c := diff.Change{Kind: diff.Added, Path: diff.Path{diff.Key("a\n\x1b[2J")}, New: []byte("{\n\"x\": \"\u0085\"}")}
	if got, want := c.String(), `+ /a\u000a\u001b[2J {"x":"\u0085"}`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestManyEqualElements: two lists of one number in 50,000 places have more pairs
// than an int of 32 bits can count.
func TestManyEqualElements(t *testing.T) {
	const n = 50_000
	old := []byte("[1" + strings.Repeat(",0", n) + ",1]")
	new := []byte("[2" + strings.Repeat(",0", n) + ",0,2]")
	changes, err := diff.Diff(old, new)
	if err != nil || len(changes) != 3 {
		t.Errorf("%d changes, %v", len(changes), err)
	}
}
