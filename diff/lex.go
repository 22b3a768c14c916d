package diff

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

func (s *scanner) space(i int) int {
	for i < len(s.src) && s.src[i] <= ' ' && isSpace(s.src[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// at returns a byte of the source, 0 behind its end.
func (s *scanner) at(i int) byte {
	if i < len(s.src) {
		return s.src[i]
	}
	return 0
}

func (s *scanner) literal(i int, text string) int {
	if len(s.src)-i < len(text) || string(s.src[i:i+len(text)]) != text {
		return bad
	}
	return i + len(text)
}

func (s *scanner) number(i int) int {
	if s.at(i) == '-' {
		i++
	}
	if s.at(i) == '0' {
		i++
	} else if i = s.digits(i); i == bad {
		return bad
	}
	if s.at(i) == '.' {
		if i = s.digits(i + 1); i == bad {
			return bad
		}
	}
	if s.at(i)|0x20 == 'e' {
		if i++; s.at(i) == '+' || s.at(i) == '-' {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits skips one digit or more.
func (s *scanner) digits(i int) int {
	start := i
	for i < len(s.src) && isDigit(s.src[i]) {
		i++
	}
	if i == start {
		return bad
	}
	return i
}

func (s *scanner) string(i int) (end int, escaped bool) {
	src := s.src
	for i++; ; {
		if i = plainEnd(src, i); i == len(src) {
			return bad, escaped
		}
		switch c := src[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			if i+1 < len(src) && shortEscape[src[i+1]] {
				i += 2
				continue
			}
			if _, reason := checkEscape(src, i); reason != "" {
				return bad, escaped
			}
			i += escapeLen(src[i:])
		case c < ' ':
			return bad, escaped
		case 0xc2 <= c && c <= 0xdf && i+1 < len(src) && src[i+1]&0xc0 == 0x80:
			i += 2
		case 0xe1 <= c && c <= 0xef && c != 0xed && i+2 < len(src) && src[i+1]&0xc0 == 0x80 && src[i+2]&0xc0 == 0x80:
			i += 3
		default:
			r, size := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && size == 1 {
				return bad, escaped
			}
			i += size
		}
	}
}

// plainEnd returns the first offset from i on of a byte that does not stand for
// itself in a string; see plain. It looks at eight bytes at a time.
func plainEnd(src []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(src); i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		// The lowest top bit set is that of the first byte below ' ', equal to
		// a quote or a backslash, or beyond ASCII. Borrows go upwards only.
		odd := ((w - ones*' ') | ((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones) | w) & tops
		if odd != 0 {
			return i + bits.TrailingZeros64(odd)/8
		}
	}
	for i < len(src) && plain[src[i]] {
		i++
	}
	return i
}

// plain are the bytes that stand for themselves in a string: ASCII, unless it is
// a control character, a quote or a backslash.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// shortEscape are the bytes that make an escape with the backslash before them.
var shortEscape = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}
