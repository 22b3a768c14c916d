// Package printable keeps text that somebody else wrote from steering a terminal.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line returns s with an escape for everything that has no glyph: control characters,
// line breaks, bidirectional and zero-width ones, and all others that [unicode.IsPrint]
// does not know. The escapes are those of JSON, so a JSON text keeps its meaning. A byte
// that is not UTF-8 becomes \x and two digits.
func Line(s string) string { return escape(s, "") }

// Text is Line, but for line breaks and tabs, which it keeps.
func Text(s string) string { return escape(s, "\n\t") }

func escape(s, keep string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) && !strings.ContainsRune(keep, r) }
	if utf8.ValidString(s) && strings.IndexFunc(s, odd) < 0 {
		return s
	}
	var b strings.Builder
	for i, width := 0, 0; i < len(s); i += width {
		var r rune
		switch r, width = utf8.DecodeRuneInString(s[i:]); {
		case r == utf8.RuneError && width == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !odd(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
