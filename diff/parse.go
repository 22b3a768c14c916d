package diff

import (
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"unicode/utf8"
)

// MaxDepth is how many lists and objects may be inside one another.
const MaxDepth = 128

// largestDocument is what offsets in a node can reach.
const largestDocument = math.MaxUint32

// Check returns a *[SyntaxError] unless doc is one good document. It takes time
// linear in the document, and memory for the keys of the objects that are open at
// the same time.
func Check(doc []byte) error {
	s := scanners.Get().(*scanner)
	defer s.release()
	if _, ok := s.scan(doc, len(doc), len(doc)); ok {
		return nil
	}
	v, err := parse(doc)
	release(v)
	return err
}

// parse reads a document. The value refers to src.
func parse(src []byte) (value, error) { return parseAt(src, 0) }

// parseAt is parse for what is to stand depth levels down a document.
func parseAt(src []byte, depth int) (value, error) {
	p := parser{t: trees.Get().(*tree), src: src, depth: depth}
	p.t.src, p.t.nodes, p.stack = src, p.t.nodes[:0], p.t.stack[:0]
	if uint64(len(src)) > largestDocument {
		p.fail(0, reasonSize)
		return value{}, p.err()
	}
	p.space()
	if p.pos == len(src) {
		p.fail(p.pos, reasonEmpty)
		return value{}, p.err()
	}
	root, ok := p.value()
	if !ok {
		return value{}, p.err()
	}
	if p.space(); p.pos < len(src) {
		p.fail(p.pos, reasonTrailing)
		return value{}, p.err()
	}
	p.t.stack = p.stack
	return value{p.t, root}, nil
}

// trees recycles the memory of documents; release puts it back. What was made of a
// released value must not refer to it.
var trees = sync.Pool{New: func() any { return new(tree) }}

func release(values ...value) {
	const largest = 1 << 20 // nodes: what is larger is rare, and not worth keeping
	for _, v := range values {
		if v.t != nil && cap(v.t.nodes) <= largest {
			v.t.src = nil
			trees.Put(v.t)
		}
	}
}

// parseOptional is parse, where an empty text is no document.
func parseOptional(src []byte) (value, error) {
	if len(src) == 0 {
		return value{}, nil
	}
	return parse(src)
}

// parser is a recursive descent; MaxDepth bounds it. Its methods report false after
// fail.
type parser struct {
	t       *tree // nodes: what is finished
	src     []byte
	pos     int
	depth   int
	stack   []node      // children of the containers that are still open
	index   memberIndex // scratch
	scratch []byte      // a decoded string

	offset int    // where it failed
	reason string // and why
	trail  Path   // the way there, innermost first
}

func (p *parser) fail(offset int, reason string) (node, bool) {
	p.offset, p.reason = offset, reason
	return node{}, false
}

// failIn is fail at the current place, one step down.
func (p *parser) failIn(step Step, reason string) (node, bool) {
	p.trail = append(p.trail, step)
	return p.fail(p.pos, reason)
}

func (p *parser) err() error {
	slices.Reverse(p.trail)
	return &SyntaxError{Offset: int64(p.offset), Pointer: p.trail.Pointer(), Reason: p.reason}
}

// space skips white space.
func (p *parser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\n', '\t', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) value() (node, bool) {
	switch c := p.peek(); c {
	case '"':
		return p.string()
	case '{':
		return p.container(p.object)
	case '[':
		return p.container(p.list)
	case 't':
		return p.literal("true")
	case 'f':
		return p.literal("false")
	case 'n':
		return p.literal("null")
	default:
		if c == '-' || isDigit(c) {
			return p.number()
		}
		if p.pos == len(p.src) {
			return p.fail(p.pos, reasonNoValue)
		}
		return p.fail(p.pos, reasonValue)
	}
}

func (p *parser) container(inside func(start, base int) (node, bool)) (node, bool) {
	if p.depth >= MaxDepth {
		return p.fail(p.pos, reasonDepth)
	}
	p.depth++
	start := p.pos
	p.pos++
	p.space()
	n, ok := inside(start, len(p.stack))
	p.depth--
	return n, ok
}

func (p *parser) list(start, base int) (node, bool) {
	if p.peek() == ']' {
		return p.close(start, base), true
	}
	for i := 0; ; i++ {
		n, ok := p.value()
		if !ok {
			p.trail = append(p.trail, Index(i))
			return n, false
		}
		p.stack = append(p.stack, n)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
			p.space()
		case ']':
			return p.close(start, base), true
		default:
			return p.failIn(Index(i), reasonList)
		}
	}
}

func (p *parser) object(start, base int) (node, bool) {
	if p.peek() == '}' {
		return p.closeObject(start, base)
	}
	for {
		if p.peek() != '"' {
			return p.failIn(Key(""), reasonKey)
		}
		key, ok := p.string()
		if !ok {
			p.trail = append(p.trail, Key(""))
			return key, false
		}
		if p.space(); p.peek() != ':' {
			return p.failIn(p.key(key), reasonColon)
		}
		p.pos++
		p.space()
		n, ok := p.value()
		if !ok {
			p.trail = append(p.trail, p.key(key))
			return n, false
		}
		p.stack = append(p.stack, key, n)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
			p.space()
		case '}':
			return p.closeObject(start, base)
		default:
			return p.failIn(p.key(key), reasonObject)
		}
	}
}

// close moves the children on the stack to their final place.
func (p *parser) close(start, base int) node {
	p.pos++
	kids := p.stack[base:]
	n := p.leaf(start, listHash(kids))
	n.first, n.n = uint32(len(p.t.nodes)), uint32(len(kids))
	p.t.nodes = append(p.t.nodes, kids...)
	p.stack = p.stack[:base]
	return n
}

func (p *parser) closeObject(start, base int) (node, bool) {
	hash := objectHash(p.stack[base:])
	n := p.close(start, base)
	n.hash = hash
	object := value{p.t, n}
	if i := p.index.duplicate(object); i >= 0 {
		p.trail = append(p.trail, p.key(object.kids()[i]))
		return p.fail(int(object.kids()[i].start), reasonDuplicate)
	}
	return n, true
}

func (p *parser) key(key node) Step {
	return Key(string(decoded(p.src[key.start:key.end])))
}

func (p *parser) leaf(start int, hash uint64) node {
	return node{start: uint32(start), end: uint32(p.pos), hash: hash}
}

func (p *parser) literal(text string) (node, bool) {
	start := p.pos
	if len(p.src)-start < len(text) || string(p.src[start:start+len(text)]) != text {
		return p.fail(start, reasonValue)
	}
	p.pos += len(text)
	return p.leaf(start, mix(hashScalar, uint64(text[0]))), true
}

func (p *parser) number() (node, bool) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	if p.peek() == '0' {
		p.pos++
	} else if !p.digits() {
		return p.fail(p.pos, reasonDigit)
	}
	if p.peek() == '.' {
		p.pos++
		if !p.digits() {
			return p.fail(p.pos, reasonDigit)
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return p.fail(p.pos, reasonDigit)
		}
	}
	return p.leaf(start, maphash.Bytes(seed, p.src[start:p.pos])^hashScalar), true
}

// digits skips one digit or more.
func (p *parser) digits() bool {
	start := p.pos
	for isDigit(p.peek()) {
		p.pos++
	}
	return p.pos > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// plain are the bytes that stand for themselves in a string: ASCII, unless it is
// a control character, a quote or a backslash.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

func (p *parser) string() (node, bool) {
	start, escaped := p.pos, false
	p.pos++
	for {
		if p.pos = plainEnd(p.src, p.pos); p.pos == len(p.src) {
			return p.fail(p.pos, reasonString)
		}
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			inner := p.src[start+1 : p.pos-1]
			if escaped {
				p.scratch = appendDecoded(p.scratch[:0], inner)
				inner = p.scratch
			}
			return p.leaf(start, maphash.Bytes(seed, inner)), true
		case c == '\\':
			escaped = true
			if offset, reason := checkEscape(p.src, p.pos); reason != "" {
				return p.fail(offset, reason)
			}
			p.pos += escapeLen(p.src[p.pos:])
		case c < ' ':
			return p.fail(p.pos, reasonControl)
		default:
			r, size := utf8.DecodeRune(p.src[p.pos:])
			if r == utf8.RuneError && size == 1 {
				return p.fail(p.pos, reasonUTF8)
			}
			p.pos += size
		}
	}
}
