package printable_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/zkstate/zkstate/internal/printable"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain é 世 🙂":             "plain é 世 🙂",
		"\x1b[31mred\x1b[0m":      `\u001b[31mred\u001b[0m`,
		"\x1b]0;title\x07":        `\u001b]0;title\u0007`,
		"a\rb\tc\nd\x00":          `a\u000db\u0009c\u000ad\u0000`,
		"\u009b31m\u0085\x7f":     `\u009b31m\u0085\u007f`,
		"\x9b31m":                 `\x9b31m`,
		"ab\u202etxt\u2066\u200f": `ab\u202etxt\u2066\u200f`,
		"a\u200bb\ufeff\u2028":    `a\u200bb\ufeff\u2028`,
		"\U000e0041":              `\udb40\udc41`,
		"cut \xf0\x9f":            `cut \xf0\x9f`,
	} {
		if got := printable.Line(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := printable.Text("a\n\tb\r\n"); got != "a\n\tb\\u000d\n" {
		t.Errorf("%q", got)
	}
}

// FuzzText: the result has nothing but glyphs, and a JSON string means what it meant.
func FuzzText(f *testing.F) {
	f.Add("\x1b]0;\u009b\u202e\U000e0041\xff")
	f.Fuzz(func(t *testing.T, s string) {
		line := printable.Line(s)
		if again := printable.Line(line); again != line {
			t.Errorf("%q becomes %q and then %q", s, line, again)
		}
		if !utf8.ValidString(s) {
			return
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal([]byte(printable.Line(string(text))), &back); err != nil || back != s {
			t.Errorf("%q comes back as %q, %v", s, back, err)
		}
	})
}
