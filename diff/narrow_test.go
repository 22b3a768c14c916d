package diff_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate/diff"
)

// TestCommonTextMakesNoDifference: white space at both ends hides from Diff what the
// texts have in common, and must change nothing.
func TestCommonTextMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := check[[]byte](t)(diff.Apply([]byte(document(4).Draw(t, "old")), nil))
		var new []byte
		if rapid.Bool().Draw(t, "structured") {
			new = changedOnce(t, old)
		} else {
			new = garbled(t, old)
		}
		var opts []diff.Option
		if rapid.Bool().Draw(t, "keyed") {
			opts = append(opts, diff.ByKey("a", "b"))
		}
		got, err := diff.Diff(old, new, opts...)
		want, wantErr := diff.Diff(old, fmt.Appendf(nil, " %s ", new), opts...)
		if (err == nil) != (wantErr == nil) || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s to %s: %v, %v; want %v, %v", old, new, got, err, want, wantErr)
		}
		same, err := diff.Equal(old, new)
		if (err == nil) != (wantErr == nil) || same != (wantErr == nil && len(want) == 0) {
			t.Fatalf("%s and %s: equal is %v, %v", old, new, same, err)
		}
	})
}

// changedOnce is doc with one of the changes that lead to another document.
func changedOnce(t *rapid.T, doc []byte) []byte {
	changes := check[[]diff.Change](t)(diff.Diff(doc, []byte(document(4).Draw(t, "another"))))
	if len(changes) == 0 {
		return doc
	}
	i := rapid.IntRange(0, len(changes)-1).Draw(t, "which")
	if changed, err := diff.Apply(doc, changes[i:i+1]); err == nil { // else it needs those before it
		return changed
	}
	return check[[]byte](t)(diff.Apply(doc, changes[:1]))
}

// garbled is doc with a piece of JSON in the place of some bytes.
func garbled(t *rapid.T, doc []byte) []byte {
	from := rapid.IntRange(0, len(doc)).Draw(t, "from")
	to := rapid.IntRange(from, min(len(doc), from+4)).Draw(t, "to")
	piece := rapid.SampledFrom([]string{"", " ", "0", "1,", ",2", "[]", "],[", "}", `"a":1,`, `,"b":2`, `"`, "\xff", `\ud800`, "null"}).Draw(t, "piece")
	if len(piece) == 0 && to-from == len(doc) {
		return doc // no text is no document, and white space is
	}
	return slices.Concat(doc[:from], []byte(piece), doc[to:])
}

// TestCommonTextIsChecked: what both documents have in common is not good because of
// that.
func TestCommonTextIsChecked(t *testing.T) {
	for _, common := range []string{`{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `[`, `01`, `"` + "\n" + `"`} {
		old, new := []byte(`{"x":`+common+`,"y":[1,2,3],"z":1}`), []byte(`{"x":`+common+`,"y":[1,9,3],"z":1}`)
		if changes, err := diff.Diff(old, new); err == nil {
			t.Errorf("%s was let through: %v", old, changes)
		}
		if _, err := diff.Equal(old, old); err == nil {
			t.Errorf("%s is equal to itself", old)
		}
	}
	for _, pair := range [][2]string{
		{`{"a":1,"b":{"x":1},"c":1}`, `{"a":1,"c":{"x":1},"c":1}`}, // the key is what changed
		{`{"a":1,"b":1}`, `{"a":1,"a":1}`},
		{`[1,[2],3]`, `[1,[2,3]`},
		{`[1,"a",3]`, `[1,"a","3]`},
	} {
		if changes, err := diff.Diff([]byte(pair[0]), []byte(pair[1])); err == nil {
			t.Errorf("%s to %s: %v", pair[0], pair[1], changes)
		}
	}
}
