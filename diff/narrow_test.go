package diff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate/diff"
)

// TestCommonTextMakesNoDifference: white space at both ends hides from Diff what the
// texts have in common, and must change nothing.
func TestCommonTextMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := check[[]byte](t)(diff.Apply([]byte(document(4).Draw(t, "old")), nil))
		new := old
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			if len(new) > 0 && rapid.IntRange(0, 3).Draw(t, "structured") > 0 {
				new = changedOnce(t, new)
			} else {
				new = garbled(t, new)
			}
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
	changes, err := diff.Diff(doc, []byte(document(4).Draw(t, "another")))
	if err != nil || len(changes) == 0 { // it may be garbled
		return doc
	}
	i := rapid.IntRange(0, len(changes)-1).Draw(t, "which")
	if changed, err := diff.Apply(doc, changes[i:i+1]); err == nil { // else it needs those before it
		return changed
	}
	return check[[]byte](t)(diff.Apply(doc, changes[:1]))
}

// TestManyPlaces: what changed in places that are far apart is found as in documents that
// have no text in common.
func TestManyPlaces(t *testing.T) {
	const old = `{"z":1,"list":[{"id":"a","n":1},{"id":"b","n":[1,2]},{"id":"c","n":3}],"deep":{"x":{"y":[1,2,3]},"s":"é"},"a":10,"n":0}`
	for _, test := range []struct{ from, to []string }{
		{[]string{`"z":1`, `"n":0`}, []string{`"z":12`, `"n":-0.5`}},
		{[]string{`"z":1`, `"y":[1,2,3]`, `"a":10`}, []string{`"z":{"new":[]}`, `"y":[1,2,3,4]`, `"a":"ten"`}},
		{[]string{`"z":1`, `"id":"b"`}, []string{`"z":2`, `"id":"d"`}},
		{[]string{`"z":1`, `"n":[1,2]`}, []string{`"z":2`, `"n":[1,2],"more":true`}},
		{[]string{`"n":1}`, `"n":3}`, `"s":"é"`}, []string{`"n":2}`, `"n":4}`, `"s":"è"`}},
		{[]string{`{"id":"a","n":1},`, `"a":10`}, []string{``, `"a":1`}},
		{[]string{`"z":1`, `"deep":`, `10,"n"`}, []string{`"z" : 2`, `"deep" :`, `11 , "n"`}},
		{[]string{`"z":1`, `"y"`, `10`}, []string{`"z":1.0`, `"\u0079"`, `11`}},
	} {
		new := old
		for i, part := range test.from {
			new = strings.Replace(new, part, test.to[i], 1)
		}
		for _, keys := range [][]string{nil, {"id"}} {
			got, err := diff.Diff([]byte(old), []byte(new), diff.ByKey(keys...))
			want, wantErr := diff.Diff([]byte(old), []byte(" "+new), diff.ByKey(keys...))
			if err != nil || wantErr != nil || fmt.Sprint(got) != fmt.Sprint(want) || len(got) == 0 {
				t.Errorf("%q to %q by %q:\n%v, %v; want\n%v, %v", test.from, test.to, keys, got, err, want, wantErr)
			}
		}
	}
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
