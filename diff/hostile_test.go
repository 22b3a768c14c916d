// One goroutine, for long: see the Makefile.

//go:build !race

package diff_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/diff"
)

// memoryFactor is how many bytes may be allocated, in all, for each byte that goes
// in. A node takes 24 bytes and stands for 2 bytes of text at least, [1,1,1,…]; two
// such lists that differ in every element, with the numbers and tables that align
// them and one change for each, are the worst that is known.
const memoryFactor = 200

// hostileDocuments are large documents, each bad for somebody.
func hostileDocuments() map[string][]byte {
	const size = 1 << 18
	fill := func(open, unit, close string) []byte {
		return []byte(open + strings.Repeat(unit, (size-len(open)-len(close))/len(unit)) + close)
	}
	numbered := func(open, format, close string) []byte {
		out := []byte(open)
		for i := 0; len(out) < size; i++ {
			out = fmt.Appendf(out, format, i)
		}
		return append(bytes.TrimSuffix(out, []byte(",")), close...)
	}
	return map[string][]byte{
		"small elements":    fill("[", "1,", "1]"),
		"empty lists":       fill("[", "[],", "1]"),
		"empty objects":     fill("[", "{},", "1]"),
		"nested":            fill("[", strings.Repeat("[", diff.MaxDepth-1)+strings.Repeat("]", diff.MaxDepth-1)+",", "1]"),
		"many keys":         numbered("{", `"%d":0,`, "}"),
		"many numbers":      numbered("[", `%d,`, "]"),
		"a huge number":     fill("1", "0", "e999999999"),
		"a long string":     fill(`"`, "x", `"`),
		"escapes":           fill(`"`, `\u0061`, `"`),
		"commas in strings": fill(`"`, `,`, `"`),
		"white space":       fill("[", " ", "1]"),
		"truncated":         fill("[", `{"a":[1,`, ""),
		"truncated string":  fill(`["`, `\n`, ""),
		"a key twice":       numbered(`{"0":1,`, `"%d":0,`, "}"),
		"half a pair":       fill(`"`, "x", `\ud800"`),
		"invalid UTF-8":     fill(`"`, "x", "\xff\""),
	}
}

func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemoryIsBounded: whatever comes in costs memory in proportion, and bad text is
// a SyntaxError.
func TestMemoryIsBounded(t *testing.T) {
	docs := hostileDocuments()
	small := []byte(`{"a":[1,2,3]}`)
	for name, doc := range docs {
		runtime.GC()
		var syntax *diff.SyntaxError
		bad := diff.Check(doc)
		if bad != nil && (!errors.As(bad, &syntax) || syntax.Offset <= 0 || syntax.Offset > int64(len(doc))) {
			t.Errorf("%s: %v", name, bad)
		}
		changed := bytes.ReplaceAll(doc, []byte("1"), []byte("2"))
		reversed := bytes.ReplaceAll(doc, []byte("0"), []byte("1.0"))
		for call, fn := range map[string]func() error{
			"Check":             func() error { return diff.Check(doc) },
			"Diff to small":     func() error { _, err := diff.Diff(doc, small); return err },
			"Diff from small":   func() error { _, err := diff.Diff(small, doc); return err },
			"Diff, all changed": func() error { _, err := diff.Diff(doc, changed); return err },
			"Diff by key":       func() error { _, err := diff.Diff(doc, reversed, diff.ByKey("a", "0")); return err },
			"Equal":             func() error { _, err := diff.Equal(doc, reversed); return err },
			"Merge":             func() error { _, err := diff.Merge(doc, small, doc); return err },
			"Lookup":            func() error { _, err := diff.Lookup(doc, "/0/a"); return err },
			"Set":               func() error { _, err := diff.Set(small, "/a/0", doc); return err },
			"ParsePatch":        func() error { _, err := diff.ParsePatch(doc); return err },
			"Patch": func() error {
				_, err := diff.Patch{{Op: "test", Path: "/a", Value: small}, {Op: "remove", Path: "/0"}}.Apply(doc)
				return err
			},
		} {
			var err error
			if got, limit := allocated(func() { err = fn() }), uint64(memoryFactor*len(doc)); got > limit {
				t.Errorf("%s, %s: %d bytes for %d", name, call, got, len(doc))
			}
			if bad != nil && err == nil {
				t.Errorf("%s, %s: let through", name, call)
			}
		}
	}
}

// TestUnlikeListsAreLinear: two lists of 100,000 elements that have nothing, little
// or a confusing lot in common cost memory in proportion to their size; a quadratic
// table would take 10 GB. Steps are bounded by a budget, see the package comment, so
// that the test ends at all is what it says about time.
func TestUnlikeListsAreLinear(t *testing.T) {
	const n = 100_000
	list := func(element func(i int) string) []byte {
		items := make([]string, n)
		for i := range items {
			items[i] = element(i)
		}
		return []byte("[" + strings.Join(items, ",") + "]")
	}
	mixed := uint32(1)
	random := func(below int) func(int) string {
		return func(int) string {
			mixed = mixed*1664525 + 1013904223
			return fmt.Sprint(int(mixed>>8) % below)
		}
	}
	ascending := list(func(i int) string { return fmt.Sprint(i) })
	for name, pair := range map[string][2][]byte{
		"disjoint":          {ascending, list(func(i int) string { return fmt.Sprint(-i - 1) })},
		"shuffled":          {ascending, list(func(i int) string { return fmt.Sprint(i * 7919 % n) })},
		"reversed":          {ascending, list(func(i int) string { return fmt.Sprint(n - 1 - i) })},
		"two letters":       {list(random(2)), list(random(2))},
		"some letters":      {list(random(300)), list(random(300))},
		"one letter in two": {list(func(i int) string { return fmt.Sprint(i % 2) }), list(func(i int) string { return fmt.Sprint(i * 7 % 3) })},
		"nested": {list(func(i int) string { return fmt.Sprintf(`[%d,{"x":[%d]}]`, i, i%7) }),
			list(func(i int) string { return fmt.Sprintf(`[%d,{"x":[%d]}]`, i*7919%n, i%5) })},
		"identified": {list(func(i int) string { return fmt.Sprintf(`{"id":%d,"x":1}`, i) }),
			list(func(i int) string { return fmt.Sprintf(`{"id":%d,"x":2}`, i*7919%n) })},
	} {
		runtime.GC()
		var changes []diff.Change
		var err error
		got := allocated(func() { changes, err = diff.Diff(pair[0], pair[1], diff.ByKey("id")) })
		size := len(pair[0]) + len(pair[1])
		if err != nil || len(changes) == 0 || len(changes) > 4*n {
			t.Errorf("%s: %d changes, %v", name, len(changes), err)
		}
		if limit := uint64(memoryFactor * size); got > limit {
			t.Errorf("%s: %d bytes for %d", name, got, size)
		}
		t.Logf("%s: %d changes, %.0f bytes a byte", name, len(changes), float64(got)/float64(size))
	}
}

// TestByteOrderMark: it is invisible, so the error names it.
func TestByteOrderMark(t *testing.T) {
	for _, text := range []string{"\ufeff{}", "\xff\xfe{\x00}\x00", "\xfe\xff\x00{\x00}"} {
		if err := diff.Check([]byte(text)); err == nil || !strings.Contains(err.Error(), "byte order mark") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestErrorsStayOnTheirLine: a key of a broken document is somebody else's.
func TestErrorsStayOnTheirLine(t *testing.T) {
	err := diff.Check([]byte(`{"a\u001b[31m\n\u202e":{"b":}}`))
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\n\u202e") {
		t.Errorf("%q", err)
	}
}
