package diff_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/diff"
)

// TestMergePatch has the cases of RFC 7396, appendix A, and some more.
func TestMergePatch(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{` {"n" : 9007199254740993, "x":1.0} `, `{"y" : 1e2}`, `{"n":9007199254740993,"x":1.0,"y":1e2}`},
		{`{"":1,"a/b":2}`, `{"\u0061/b":null,"":{"c":[null]}}`, `{"":{"c":[null]}}`},
		{`{"a":1,"b":2}`, `{"a":null,"c":3}`, `{"b":2,"c":3}`},
	} {
		if got, err := diff.MergePatch([]byte(c[0]), []byte(c[1])); err != nil || string(got) != c[2] {
			t.Errorf("%s with %s: %s, %v; want %s", c[0], c[1], got, err, c[2])
		}
	}
	deep := strings.Repeat(`{"a":`, diff.MaxDepth) + "1" + strings.Repeat("}", diff.MaxDepth)
	if got, err := diff.MergePatch([]byte(deep), []byte(deep)); err != nil || string(got) != deep {
		t.Errorf("a deep patch: %.80s, %v", got, err)
	}
	var syntax *diff.SyntaxError
	for _, c := range [][2]string{{`{"a":1,"a":2}`, `{}`}, {`{}`, `{"a":1,"a":2}`}, {`{}`, ``}, {``, `{}`}} {
		if got, err := diff.MergePatch([]byte(c[0]), []byte(c[1])); !errors.As(err, &syntax) {
			t.Errorf("%q with %q: %s, %v", c[0], c[1], got, err)
		}
	}
}
