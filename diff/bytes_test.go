package diff_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate/diff"
)

// span is where a value stands in a document.
type span struct{ start, end int }

// spans returns where every value of a document stands, by its pointer.
func spans(t *rapid.T, doc []byte) map[string]span {
	found := make(map[string]span)
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	token := func() json.Token { return check[json.Token](t)(dec.Token()) }
	next := func() int {
		at := int(dec.InputOffset())
		return at + len(doc[at:]) - len(bytes.TrimLeft(doc[at:], " \n\t\r,:"))
	}
	var value func(pointer string)
	value = func(pointer string) {
		start := next()
		switch token() {
		case json.Delim('['):
			for i := 0; dec.More(); i++ {
				value(fmt.Sprintf("%s/%d", pointer, i))
			}
			token()
		case json.Delim('{'):
			for dec.More() {
				key := token().(string)
				value(pointer + diff.Path{diff.Key(key)}.Pointer())
			}
			token()
		}
		found[pointer] = span{start, int(dec.InputOffset())}
	}
	value("")
	return found
}

// distinct draws a document in which no two values are the same, so that it can be told
// which one stands where. n counts them.
func distinct(t *rapid.T, depth int, n *int) string {
	*n++
	parts := []string{rapid.SampledFrom([]string{"%d", "%d.0", `"a%d"`, `"%d \\ a<\\n\""`}).Draw(t, "leaf")}
	parts[0] = fmt.Sprintf(parts[0], *n)
	shape := rapid.IntRange(0, 4).Draw(t, "shape")
	if depth == 0 || shape == 0 {
		return parts[0]
	}
	for range rapid.IntRange(0, 4).Draw(t, "size") {
		parts = append(parts, distinct(t, depth-1, n))
	}
	if shape < 3 {
		return "[" + strings.Join(parts, ",") + "]"
	}
	for i := range parts {
		parts[i] = fmt.Sprintf(`"a%d":%s`, i, parts[i])
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// scattered writes a document as nobody's encoder does: with white space, and some
// letters as escapes.
func scattered(t *rapid.T, doc []byte) []byte {
	var out []byte
	blank := rapid.SampledFrom([]string{"", "", " ", "\n  ", "\t"})
	quoted, escaped := false, false
	for _, c := range doc {
		structural := !quoted && strings.IndexByte("[]{},:", c) >= 0
		if structural {
			out = append(out, blank.Draw(t, "blank")...)
		}
		if quoted && !escaped && c == 'a' && rapid.Bool().Draw(t, "escape") {
			out = append(out, `\u0061`...)
		} else {
			out = append(out, c)
		}
		if structural {
			out = append(out, blank.Draw(t, "blank")...)
		}
		if c == '"' && !escaped {
			quoted = !quoted
		}
		escaped = quoted && c == '\\' && !escaped
	}
	return append(out, blank.Draw(t, "blank")...)
}

// TestMergeKeepsBytes: what the changes do not name stands in the result as it stood,
// byte by byte, and if values were only replaced, everything around them does.
func TestMergeKeepsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := 0
		before := []byte(distinct(t, 4, &n))
		stored := scattered(t, before)
		where := spans(t, stored)
		pointers := make([]string, 0, len(where))
		for p := range where {
			pointers = append(pointers, p)
		}
		slices.Sort(pointers)
		after, touched, onlyReplaced := before, []string{}, true
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.SampledFrom(pointers).Draw(t, "at")
			if slices.ContainsFunc(touched, func(p string) bool { return within(p, at) || within(at, p) }) {
				continue
			}
			operation := rapid.SampledFrom([]string{"replace", "add", "remove"}).Draw(t, "op")
			inObject := at != "" && stored[where[at[:strings.LastIndexByte(at, '/')]].start] == '{'
			switch {
			case operation == "add" && stored[where[at].start] == '{':
				at += "/new"
			case operation == "add", operation == "remove" && !inObject: // it would move other elements
				continue
			}
			patch := fmt.Sprintf(`[{"op":%q,"path":%s,"value":%s}]`, operation, check[[]byte](t)(json.Marshal(at)), document(1).Draw(t, "new"))
			changed := check[[]byte](t)(check[diff.Patch](t)(diff.ParsePatch([]byte(patch))).Apply(after))
			if check[bool](t)(diff.Equal(changed, after)) {
				continue
			}
			after, touched = changed, append(touched, at)
			onlyReplaced = onlyReplaced && operation == "replace"
		}
		merged := check[[]byte](t)(diff.Merge(stored, before, after))
		if !check[bool](t)(diff.Equal(merged, after)) {
			t.Fatalf("%q merged to %q, want %s", stored, merged, after)
		}
		now := spans(t, merged)
		for p, s := range where {
			if slices.ContainsFunc(touched, func(at string) bool { return within(p, at) || within(at, p) }) {
				continue
			}
			was, is := stored[s.start:s.end], merged[now[p].start:now[p].end]
			if !bytes.Equal(was, is) {
				t.Fatalf("%q was rewritten to %q in %q", was, is, merged)
			}
		}
		if onlyReplaced && !bytes.Equal(without(stored, where, touched), without(merged, now, touched)) {
			t.Fatalf("%q merged to %q: what stands around %v was rewritten", stored, merged, touched)
		}
	})
}

// without cuts the values at those places out of a document.
func without(doc []byte, where map[string]span, places []string) []byte {
	slices.SortFunc(places, func(a, b string) int { return where[b].start - where[a].start })
	for _, p := range places {
		doc = slices.Concat(doc[:where[p].start], doc[where[p].end:])
	}
	return doc
}

// within reports whether the place p is at, or inside of, that of at.
func within(p, at string) bool { return p == at || strings.HasPrefix(p, at+"/") }

// TestCheckCase: the rule for what differs only in case is encoding/json's.
func TestCheckCase(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":0`, i)
	}
	for _, c := range []struct{ doc, pointer string }{
		{`{"n":1,"N":2}`, "/N"},
		{`{"a":[0,{"x":1,"key":1,"ſ":2, "\u212aey":3}]}`, "/a/1/\u212aey"},
		{"{" + strings.Join(many, ",") + `,"K39":1}`, "/K39"},
		{`{"n":1,"m":{"N":1},"ñ":1}`, ""},
		{`{"straße":1,"STRASSE":2}`, ""},
	} {
		err := diff.CheckCase([]byte(c.doc))
		var syntax *diff.SyntaxError
		if c.pointer == "" {
			if err != nil {
				t.Errorf("%s: %v", c.doc, err)
			}
			continue
		}
		if !errors.Is(err, diff.ErrCase) || !errors.As(err, &syntax) || syntax.Pointer != c.pointer {
			t.Errorf("%s: %v, want it at %s", c.doc, err, c.pointer)
		}
	}
	if err := diff.CheckCase([]byte(`{"n":1,"N":2`)); err == nil || errors.Is(err, diff.ErrCase) {
		t.Error(err)
	}
	if err := diff.Check([]byte(`{"n":1,"N":2}`)); err != nil {
		t.Error(err)
	}
}
