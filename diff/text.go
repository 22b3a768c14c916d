package diff

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// checkEscape judges the escape at src[at], which is a backslash. It returns
// where and why it is bad, or no reason.
func checkEscape(src []byte, at int) (offset int, reason string) {
	if at+1 >= len(src) {
		return len(src), reasonEscapeEnd
	}
	switch src[at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 0, ""
	case 'u':
	default:
		return at, reasonEscape
	}
	r, got := hex4(src, at+2)
	if got < 4 {
		return cutShort(src, at+2+got)
	}
	if !utf16.IsSurrogate(r) {
		return 0, ""
	}
	if r >= 0xdc00 || !bytes.HasPrefix(src[at+6:], []byte(`\u`)) {
		return at, reasonSurrogate
	}
	low, got := hex4(src, at+8)
	if got < 4 {
		return cutShort(src, at+8+got)
	}
	if utf16.DecodeRune(r, low) == utf8.RuneError {
		return at, reasonSurrogate
	}
	return 0, ""
}

func cutShort(src []byte, at int) (offset int, reason string) {
	if at >= len(src) {
		return len(src), reasonEscapeEnd
	}
	return at, reasonHex
}

// hex4 reads four hexadecimal digits at src[at], and says how many there were.
func hex4(src []byte, at int) (r rune, got int) {
	for ; got < 4 && at+got < len(src); got++ {
		switch c := src[at+got]; {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return r, got
		}
	}
	return r, got
}

// escapeLen is the length of the good escape that text begins with.
func escapeLen(text []byte) int {
	if text[1] != 'u' {
		return 2
	}
	if r, _ := hex4(text, 2); utf16.IsSurrogate(r) {
		return 12
	}
	return 6
}

// decoded returns what a good string text, quotes included, stands for. It
// refers to text if it can.
func decoded(text []byte) []byte {
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return appendDecoded(make([]byte, 0, len(inner)), inner)
}

func appendDecoded(dst, inner []byte) []byte {
	for {
		i := bytes.IndexByte(inner, '\\')
		if i < 0 {
			return append(dst, inner...)
		}
		dst = append(dst, inner[:i]...)
		inner = inner[i:]
		size := escapeLen(inner)
		switch c := inner[1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(inner, 2)
			if size == 12 {
				low, _ := hex4(inner, 8)
				r = utf16.DecodeRune(r, low)
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
		inner = inner[size:]
	}
}

// appendQuoted appends s, which is UTF-8, as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendCompact appends JSON text without its white space.
func appendCompact(dst, text []byte) []byte {
	if len(text) == 0 || text[0] != '[' && text[0] != '{' && !isSpace(text[0]) {
		return append(dst, text...)
	}
	from := 0 // what is copied next
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i)
		case ' ', '\n', '\t', '\r':
			dst = append(dst, text[from:i]...)
			from = i + 1
		}
	}
	return append(dst, text[from:]...)
}

// stringEnd returns the index of the quote that closes the string at text[i], or
// the last index of a text that is cut short.
func stringEnd(text []byte, i int) int {
	for i++; ; i++ {
		if i = plainEnd(text, i); i >= len(text) {
			return len(text) - 1
		}
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
}
