package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/store"
)

func TestVersionText(t *testing.T) {
	for _, v := range []store.Version{{}, store.NewVersion(1, 2, 3), store.NewVersion(1<<62, 1<<62+1, 1<<31-1), store.NewVersion(5, 6, -1), store.NewVersion(5, 6, 1).WithTag(1), store.NewVersion(5, 6, 1).WithTag(-1 << 63)} {
		got, err := store.ParseVersion(v.String())
		if err != nil || got != v {
			t.Errorf("%v is read as %v, %v", v, got, err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back store.Version
		if err := json.Unmarshal(text, &back); err != nil || back != v {
			t.Errorf("%s is read as %v, %v", text, back, err)
		}
	}
	for _, text := range []string{"", "1", "1.2", "1.2.3.4.5", "1.2.3.0", "1.2.3.x", "1.2.3.", "x.1.1", "1.x.1", "1.1.x", "99999999999.1.1", "-"} {
		if v, err := store.ParseVersion(text); (err == nil) != (text == "-") || !v.IsZero() {
			t.Errorf("%q is read as %v, %v", text, v, err)
		}
	}
}

func TestVersionOrder(t *testing.T) {
	v0, v1, v4 := store.NewVersion(10, 10, 0), store.NewVersion(10, 12, 1), store.NewVersion(10, 20, 4)
	again, againLater := store.NewVersion(30, 30, 0), store.NewVersion(30, 32, 2)
	for _, c := range []struct {
		from, to store.Version
		since    int
	}{
		{v0, v0, 0}, {v0, v1, 1}, {v1, v4, 3}, {store.Version{}, v0, 1}, {store.Version{}, v4, 5},
		{v4, again, 2}, {v4, againLater, 4}, {v4, store.Version{}, 1}, {again, v4, 1},
	} {
		if got := c.to.Since(c.from); got != c.since {
			t.Errorf("from %v to %v are %d commits, want %d", c.from, c.to, got, c.since)
		}
	}
	wrapped := store.NewVersion(10, 1<<41, math.MinInt32+4)
	if got := wrapped.Since(store.NewVersion(10, 1<<40, math.MaxInt32-2)); got != 7 {
		t.Errorf("over the end are %d commits, want 7", got)
	}
	last := store.NewVersion(10, 1<<40, math.MaxInt32)
	for _, from := range []store.Version{{}, again, store.NewVersion(10, 9, -2)} {
		if got := last.Since(from); got < math.MaxInt32 {
			t.Errorf("from %v to %v are %d commits", from, last, got)
		}
	}
	ordered := []store.Version{{}, v0, v1, v4, again, againLater}
	for i, v := range ordered {
		for j, w := range ordered {
			if v.Before(w) != (i < j) {
				t.Errorf("%v before %v: %v", v, w, v.Before(w))
			}
		}
	}
}

// TestVersionTag: the tag tells versions with equal numbers apart, and has no place in their
// order. One that has none was written down before there were tags.
func TestVersionTag(t *testing.T) {
	untagged := store.NewVersion(10, 12, 1)
	v, other := untagged.WithTag(7), untagged.WithTag(8)
	next := store.NewVersion(10, 13, 2).WithTag(9)
	if v == other || v == untagged || v.Tag() != 7 || untagged.Tag() != 0 {
		t.Errorf("%v, %v and %v are taken for each other", v, other, untagged)
	}
	if v.Before(other) || other.Before(v) || v.Since(other) != 1 || v.Since(untagged) != 0 {
		t.Errorf("%v and %v are ordered, or %d and %d commits apart", v, other, v.Since(other), v.Since(untagged))
	}
	for _, c := range []struct {
		v, w          store.Version
		same, reaches bool
	}{
		{v, v, true, true}, {v, other, false, false}, {v, untagged, true, true}, {untagged, v, true, true},
		{next, v, false, true}, {next, untagged, false, true}, {v, next, false, false}, {store.Version{}, v, false, false},
	} {
		if c.v.Same(c.w) != c.same || c.v.Reaches(c.w) != c.reaches {
			t.Errorf("%v and %v: same %v, reaches %v", c.v, c.w, c.v.Same(c.w), c.v.Reaches(c.w))
		}
	}
	if got, want := v.String(), "1.c.a.7"; got != want {
		t.Errorf("%v is written as %s", want, got)
	}
}

// TestVersionFollows: numbers that cannot follow each other in one history.
func TestVersionFollows(t *testing.T) {
	v := store.NewVersion(10, 20, 5)
	for _, c := range []struct {
		what    string
		v, u    store.Version
		follows bool
	}{
		{"the next commit", store.NewVersion(10, 21, 6), v, true},
		{"a later commit", store.NewVersion(10, 40, 9), v, true},
		{"itself", v, v, false},
		{"an older one", store.NewVersion(10, 19, 4), v, false},
		{"a recreation", store.NewVersion(21, 21, 0), v, true},
		{"the first one that is seen", v, store.Version{}, true},
		{"absence", store.Version{}, v, false},
		{"a counter that went back", store.NewVersion(10, 21, 4), v, false},
		{"a counter that stood still", store.NewVersion(10, 21, 5), v, false},
		{"a recreation from before", store.NewVersion(15, 21, 6), v, false},
		{"a recreation at the same point", store.NewVersion(20, 21, 1), v, false},
		{"a counter that wrapped", store.NewVersion(10, 21, math.MinInt32), store.NewVersion(10, 20, math.MaxInt32), true},
		{"a counter that cannot grow", store.NewVersion(10, 21, math.MaxInt32), store.NewVersion(10, 20, math.MaxInt32), true},
	} {
		if got := c.v.Follows(c.u); got != c.follows {
			t.Errorf("%s: %v follows %v: %v", c.what, c.v, c.u, got)
		}
	}
}

func TestCheckPath(t *testing.T) {
	for _, path := range []string{"/a", "/a/b-c_d.e", "/ü/☃", "/zookeepers", "/a/zookeeper", "/payloads", "/a/History", "/...", "/a/.b", "/" + strings.Repeat("x", 1023)} {
		if err := store.CheckPath(path); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"", "a", "/", "//", "/a/", "/a//b", "/.", "/a/..", "/a/./b", "/zookeeper", "/zookeeper/a", "/a\n", "/\x7f", "/\ue000", "/\ufff9", "/\U0001f600", "/svc/payload", "/x/history/y", "/listeners", "/a/write_lock", "/a/listeners_open", "/a/listeners_awaited", "/a\xff", "/" + strings.Repeat("x", 1024)} {
		if err := store.CheckPath(path); !errors.Is(err, store.ErrInvalidPath) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestCheckCommitCountsEverything(t *testing.T) {
	most := func(path string) int { // the largest document that fits
		size := store.MaxCommit
		for store.CheckCommit([]store.Op{store.Create{Path: path, Data: make([]byte, size)}}) != nil {
			size--
		}
		return size
	}
	short, long := most("/a"), most("/a/longer/path")
	if short >= store.MaxCommit || short-long != len("/a/longer/path")-len("/a") {
		t.Errorf("documents of %d and %d bytes fit", short, long)
	}
	two := []store.Op{store.Create{Path: "/a", Data: make([]byte, short)}, store.Create{Path: "/b"}}
	if err := store.CheckCommit(two); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("one more operation: %v", err)
	}
}

func ExampleVersion_Before() {
	first, err := store.ParseVersion("3.100000007.100000002")
	second := store.NewVersion(0x100000002, 0x100000009, 4)
	fmt.Println(first.Before(second), second.Since(first), second, err)
	// Output: true 1 4.100000009.100000002 <nil>
}
