package diff

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
	"unicode/utf8"
)

// scanner checks a document without building anything of it. What it refuses, the
// parser refuses too, and says where and why. Its methods take the offset where
// something begins and return the one where it ends, or bad.
//
// On the way it collects the values that enclose src[from:to].
type scanner struct {
	src      []byte
	from, to int
	keys     []scannedKey // of the objects that are open
	slots    []uint32     // of seenTwice: position of a key + 1; 0: free
	scratch  []byte       // a decoded key
	rungs    []rung
}

type scannedKey struct {
	hash       uint64
	start, end uint32 // its text in the source
}

// rung is a value that encloses the part looked for, and the step that leads to it
// from the rung after it, which is the list or object around it. The last rung is
// the document, with the white space around it.
type rung struct {
	start, end int
	step       Step
}

const bad = -1

// scanners recycles their memory, as trees does.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

func (s *scanner) release() {
	const largest = 1 << 18 // keys of open objects
	if cap(s.keys) <= largest {
		s.src = nil
		clear(s.rungs)
		scanners.Put(s)
	}
}

// scan checks src and, if it is good, returns the values that enclose
// src[from:to], innermost first. They stand until release.
func (s *scanner) scan(src []byte, from, to int) (rungs []rung, ok bool) {
	s.src, s.from, s.to, s.keys, s.rungs = src, from, to, s.keys[:0], s.rungs[:0]
	if uint64(len(src)) > largestDocument {
		return nil, false
	}
	end := s.value(s.space(0), 0)
	if end == bad || s.space(end) != len(src) {
		return nil, false
	}
	s.rungs = append(s.rungs, rung{end: len(src)})
	return s.rungs, true
}

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

func (s *scanner) value(i, depth int) int {
	switch s.at(i) {
	case '"':
		end, _ := s.string(i)
		return end
	case '{', '[':
		if depth == MaxDepth {
			return bad
		}
		if s.src[i] == '{' {
			return s.object(s.space(i+1), depth+1)
		}
		return s.list(s.space(i+1), depth+1)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	}
	return s.number(i)
}

func (s *scanner) list(i, depth int) int {
	if s.at(i) == ']' {
		return i + 1
	}
	for n := 0; ; n++ {
		end := s.value(i, depth)
		if end == bad {
			return bad
		}
		if i <= s.from && s.to <= end {
			s.rungs = append(s.rungs, rung{i, end, Index(n)})
		}
		switch i = s.space(end); s.at(i) {
		case ',':
			i = s.space(i + 1)
		case ']':
			return i + 1
		default:
			return bad
		}
	}
}

func (s *scanner) object(i, depth int) int {
	if s.at(i) == '}' {
		return i + 1
	}
	base := len(s.keys)
	for {
		end := s.key(i)
		if end == bad {
			return bad
		}
		if end = s.space(end); s.at(end) != ':' {
			return bad
		}
		i = s.space(end + 1)
		if end = s.value(i, depth); end == bad {
			return bad
		}
		if i <= s.from && s.to <= end {
			k := s.keys[len(s.keys)-1]
			s.rungs = append(s.rungs, rung{i, end, Key(string(decoded(s.src[k.start:k.end])))})
		}
		switch i = s.space(end); s.at(i) {
		case ',':
			i = s.space(i + 1)
		case '}':
			if s.seenTwice(s.keys[base:]) {
				return bad
			}
			s.keys = s.keys[:base]
			return i + 1
		default:
			return bad
		}
	}
}

func (s *scanner) key(i int) int {
	if s.at(i) != '"' {
		return bad
	}
	end, escaped := s.string(i)
	if end == bad {
		return bad
	}
	inner := s.src[i+1 : end-1]
	if escaped {
		s.scratch = appendDecoded(s.scratch[:0], inner)
		inner = s.scratch
	}
	s.keys = append(s.keys, scannedKey{maphash.Bytes(seed, inner), uint32(i), uint32(end)})
	return end
}

// seenTwice reports whether two of the keys of one object are the same.
func (s *scanner) seenTwice(keys []scannedKey) bool {
	if len(keys) > fewChildren {
		return s.seenTwiceInTable(keys)
	}
	for i := 1; i < len(keys); i++ {
		for j := range i {
			if keys[i].hash == keys[j].hash && s.sameKey(keys[i], keys[j]) {
				return true
			}
		}
	}
	return false
}

func (s *scanner) seenTwiceInTable(keys []scannedKey) bool {
	size := 1 << bits.Len(uint(2*len(keys)))
	if cap(s.slots) < size {
		s.slots = make([]uint32, size)
	}
	s.slots = s.slots[:size]
	clear(s.slots)
	mask := uint64(size - 1)
	for i, k := range keys {
		at := k.hash & mask
		for ; s.slots[at] != 0; at = (at + 1) & mask {
			if other := keys[s.slots[at]-1]; k.hash == other.hash && s.sameKey(k, other) {
				return true
			}
		}
		s.slots[at] = uint32(i) + 1
	}
	return false
}

func (s *scanner) sameKey(a, b scannedKey) bool {
	return sameString(s.src[a.start:a.end], s.src[b.start:b.end])
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
			if _, reason := checkEscape(src, i); reason != "" {
				return bad, escaped
			}
			i += escapeLen(src[i:])
		case c < ' ':
			return bad, escaped
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
