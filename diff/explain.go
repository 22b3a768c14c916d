package diff

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// explain returns where and why a text was refused, for a place depth levels down.
// It reads as the scanner does, but slowly, and keeps the way to where it is.
func explain(src []byte, depth int) error {
	e := explainer{src: src, depth: depth}
	return e.explain()
}

// explainCase returns where the key is that begins at an offset of a good document, and
// that differs only in case from another one.
func explainCase(src []byte, key int) error {
	e := explainer{src: src, refused: key}
	return e.explain()
}

func (e *explainer) explain() error {
	e.document()
	slices.Reverse(e.trail)
	return &SyntaxError{Offset: int64(e.offset), Pointer: e.trail.Pointer(), Reason: e.reason}
}

// explainer is a recursive descent; MaxDepth bounds it. Its methods report false
// after fail.
type explainer struct {
	src     []byte
	pos     int
	depth   int
	refused int // where a key begins that is refused for its case; 0: none

	offset int    // where it failed
	reason string // and why
	trail  Path   // the way there, innermost first
}

func (e *explainer) fail(offset int, reason string) bool {
	e.offset, e.reason = offset, reason
	return false
}

// failIn is fail at the current place, one step down.
func (e *explainer) failIn(step Step, reason string) bool {
	e.trail = append(e.trail, step)
	return e.fail(e.pos, reason)
}

func (e *explainer) document() bool {
	if uint64(len(e.src)) > largestDocument {
		return e.fail(0, reasonSize)
	}
	for _, mark := range []string{"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe"} { // UTF-8, UTF-16
		if bytes.HasPrefix(e.src, []byte(mark)) {
			return e.fail(0, reasonBOM)
		}
	}
	e.space()
	if e.pos == len(e.src) {
		return e.fail(e.pos, reasonEmpty)
	}
	if !e.value() {
		return false
	}
	e.space()
	return e.fail(e.pos, reasonTrailing)
}

// space skips white space.
func (e *explainer) space() {
	for e.pos < len(e.src) && isSpace(e.src[e.pos]) {
		e.pos++
	}
}

// peek returns the next byte, 0 at the end.
func (e *explainer) peek() byte {
	if e.pos < len(e.src) {
		return e.src[e.pos]
	}
	return 0
}

func (e *explainer) value() bool {
	switch c := e.peek(); {
	case c == '"':
		_, ok := e.string()
		return ok
	case c == '{' || c == '[':
		if e.depth >= MaxDepth {
			return e.fail(e.pos, reasonDepth)
		}
		e.depth++
		e.pos++
		e.space()
		ok := c == '{' && e.object() || c == '[' && e.list()
		e.depth--
		return ok
	case c == 't':
		return e.literal("true")
	case c == 'f':
		return e.literal("false")
	case c == 'n':
		return e.literal("null")
	case c == '-' || isDigit(c):
		return e.number()
	case e.pos == len(e.src):
		return e.fail(e.pos, reasonNoValue)
	}
	return e.fail(e.pos, reasonValue)
}

func (e *explainer) list() bool {
	for i := 0; i > 0 || e.peek() != ']'; i++ {
		if !e.value() {
			e.trail = append(e.trail, Index(i))
			return false
		}
		e.space()
		if c := e.peek(); c == ']' {
			break
		} else if c != ',' {
			return e.failIn(Index(i), reasonList)
		}
		e.pos++
		e.space()
	}
	e.pos++
	return true
}

func (e *explainer) object() bool {
	seen := make(map[string]bool)
	twice, again := -1, Step{} // where a key begins that was there before
	for first := true; !first || e.peek() != '}'; first = false {
		at := e.pos
		name, ok := e.member()
		if !ok {
			return false
		}
		if seen[name] && twice < 0 {
			twice, again = at, Key(name)
		}
		seen[name] = true
		e.space()
		if c := e.peek(); c == '}' {
			break
		} else if c != ',' {
			return e.failIn(Key(name), reasonObject)
		}
		e.pos++
		e.space()
	}
	if twice >= 0 {
		e.trail = append(e.trail, again)
		return e.fail(twice, reasonDuplicate)
	}
	e.pos++
	return true
}

// member reads a key and its value.
func (e *explainer) member() (name string, ok bool) {
	if e.peek() != '"' {
		return "", e.failIn(Key(""), reasonKey)
	}
	start := e.pos
	if name, ok = e.string(); !ok {
		e.trail = append(e.trail, Key(""))
		return "", false
	}
	if start == e.refused {
		e.trail = append(e.trail, Key(name))
		return "", e.fail(start, reasonCase)
	}
	if e.space(); e.peek() != ':' {
		return "", e.failIn(Key(name), reasonColon)
	}
	e.pos++
	e.space()
	if !e.value() {
		e.trail = append(e.trail, Key(name))
		return "", false
	}
	return name, true
}

func (e *explainer) literal(text string) bool {
	if len(e.src)-e.pos < len(text) || string(e.src[e.pos:e.pos+len(text)]) != text {
		return e.fail(e.pos, reasonValue)
	}
	e.pos += len(text)
	return true
}

func (e *explainer) number() bool {
	if e.peek() == '-' {
		e.pos++
	}
	if e.peek() == '0' {
		e.pos++
	} else if !e.digits() {
		return false
	}
	if e.peek() == '.' {
		e.pos++
		if !e.digits() {
			return false
		}
	}
	if c := e.peek(); c == 'e' || c == 'E' {
		e.pos++
		if c := e.peek(); c == '+' || c == '-' {
			e.pos++
		}
		return e.digits()
	}
	return true
}

// digits skips one digit or more.
func (e *explainer) digits() bool {
	start := e.pos
	for isDigit(e.peek()) {
		e.pos++
	}
	return e.pos > start || e.fail(e.pos, reasonDigit)
}

// string returns what the next string stands for.
func (e *explainer) string() (name string, ok bool) {
	start := e.pos
	for e.pos++; ; {
		if e.pos = plainEnd(e.src, e.pos); e.pos == len(e.src) {
			return "", e.fail(e.pos, reasonString)
		}
		switch c := e.src[e.pos]; {
		case c == '"':
			e.pos++
			return string(decoded(e.src[start:e.pos])), true
		case c == '\\':
			if offset, reason := checkEscape(e.src, e.pos); reason != "" {
				return "", e.fail(offset, reason)
			}
			e.pos += escapeLen(e.src[e.pos:])
		case c < ' ':
			return "", e.fail(e.pos, reasonControl)
		default:
			r, size := utf8.DecodeRune(e.src[e.pos:])
			if r == utf8.RuneError && size == 1 {
				return "", e.fail(e.pos, reasonUTF8)
			}
			e.pos += size
		}
	}
}
