package diff

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep lists and objects may be nested.
const MaxDepth = 128

// Check returns a *[SyntaxError] unless doc is one good document. It takes time and
// memory linear in the document.
func Check(doc []byte) error {
	_, err := parse(doc)
	return err
}

// parser reads one document. Its recursion ends at MaxDepth.
type parser struct {
	src  []byte
	pos  int
	path Path
}

func parse(src []byte) (*node, error) {
	p := &parser{src: src}
	p.space()
	if p.pos == len(src) {
		return nil, p.fail("the document is empty")
	}
	root := &node{}
	if err := p.value(root); err != nil {
		return nil, err
	}
	if p.space(); p.pos != len(src) {
		return nil, p.fail("text after the end of the document")
	}
	return root, nil
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{Offset: int64(p.pos), Pointer: p.path.Pointer(), Reason: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
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

func (p *parser) value(n *node) (err error) {
	start := p.pos
	switch c := p.peek(); {
	case c == '{':
		err = p.object(n)
	case c == '[':
		err = p.list(n)
	case c == '"':
		n.kind = text
		n.str, err = p.string()
	case c == '-' || c >= '0' && c <= '9':
		n.kind = number
		err = p.number()
	case c == 't':
		n.kind, err = yes, p.word("true")
	case c == 'f':
		n.kind, err = no, p.word("false")
	case c == 'n':
		n.kind, err = null, p.word("null")
	case p.pos == len(p.src):
		err = p.fail("the text ends where a value was expected")
	default:
		err = p.fail("a value was expected")
	}
	if err != nil {
		return err
	}
	n.raw = p.src[start:p.pos]
	n.seal()
	return nil
}

func (p *parser) word(word string) error {
	if len(p.src)-p.pos < len(word) || string(p.src[p.pos:p.pos+len(word)]) != word {
		return p.fail("a value was expected")
	}
	p.pos += len(word)
	return nil
}

func (p *parser) number() error {
	if p.peek() == '-' {
		p.pos++
	}
	switch c := p.peek(); {
	case c == '0':
		p.pos++
	case c >= '1' && c <= '9':
		p.digits()
	default:
		return p.fail("a digit was expected")
	}
	if p.peek() == '.' {
		p.pos++
		if p.digits() == 0 {
			return p.fail("a digit was expected after the point")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if p.digits() == 0 {
			return p.fail("a digit was expected in the exponent")
		}
	}
	return nil
}

func (p *parser) digits() int {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.pos - start
}

func (p *parser) enter() error {
	if len(p.path) == MaxDepth {
		return p.fail("nested too deep, the limit is %d", MaxDepth)
	}
	p.pos++
	p.space()
	return nil
}

func (p *parser) list(n *node) error {
	n.kind = list
	if err := p.enter(); err != nil {
		return err
	}
	if p.peek() == ']' {
		p.pos++
		return nil
	}
	p.path = append(p.path, Step{})
	for {
		p.path[len(p.path)-1] = Index(len(n.items))
		var item node
		if err := p.value(&item); err != nil {
			return err
		}
		n.items = append(n.items, item)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
			p.space()
		case ']':
			p.pos++
			p.path = p.path[:len(p.path)-1]
			return nil
		default:
			return p.fail("a comma or the end of the list was expected")
		}
	}
}

func (p *parser) object(n *node) error {
	n.kind = object
	if err := p.enter(); err != nil {
		return err
	}
	if p.peek() == '}' {
		p.pos++
		return nil
	}
	start := p.pos
	p.path = append(p.path, Step{})
	for {
		p.path[len(p.path)-1] = Key("")
		if p.peek() != '"' {
			return p.fail("a key was expected")
		}
		key, err := p.string()
		if err != nil {
			return err
		}
		p.path[len(p.path)-1] = Key(key)
		if p.space(); p.peek() != ':' {
			return p.fail("a colon was expected after the key")
		}
		p.pos++
		p.space()
		n.members = append(n.members, member{key: key})
		if err := p.value(&n.members[len(n.members)-1].value); err != nil {
			return err
		}
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
			p.space()
			continue
		case '}':
			p.pos++
		default:
			return p.fail("a comma or the end of the object was expected")
		}
		if twice := n.sortKeys(); twice >= 0 {
			p.path[len(p.path)-1] = Key(n.members[twice].key)
			p.pos = start
			return p.fail("the key is there twice in the object that begins here")
		}
		p.path = p.path[:len(p.path)-1]
		return nil
	}
}

// string reads a string and returns it decoded.
func (p *parser) string() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			s := string(p.src[start:p.pos])
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(p.src[start:p.pos])
		case c < ' ':
			return "", p.fail("a control character in a string")
		case c < utf8.RuneSelf:
			p.pos++
		default:
			if err := p.rune(); err != nil {
				return "", err
			}
		}
	}
	return "", p.fail("the text ends inside a string")
}

// rune steps over one character beyond ASCII.
func (p *parser) rune() error {
	r, size := utf8.DecodeRune(p.src[p.pos:])
	if r == utf8.RuneError && size <= 1 {
		return p.fail("invalid UTF-8 in a string")
	}
	p.pos += size
	return nil
}

// escaped goes on with a string at its first escape; before is what came so far.
func (p *parser) escaped(before []byte) (string, error) {
	decoded := append(make([]byte, 0, 2*len(before)+16), before...)
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			return string(decoded), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			decoded = utf8.AppendRune(decoded, r)
		case c < ' ':
			return "", p.fail("a control character in a string")
		default:
			from := p.pos
			if err := p.rune(); err != nil {
				return "", err
			}
			decoded = append(decoded, p.src[from:p.pos]...)
		}
	}
	return "", p.fail("the text ends inside a string")
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *parser) escape() (rune, error) {
	p.pos++
	c := p.peek()
	if r, ok := escapes[c]; ok {
		p.pos++
		return r, nil
	}
	if c != 'u' {
		return 0, p.fail("an unknown escape in a string")
	}
	r, err := p.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if p.peek() == '\\' && p.pos+1 < len(p.src) && p.src[p.pos+1] == 'u' {
		p.pos++
		low, err := p.hex()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, nil
		}
	}
	return 0, p.fail("half a surrogate pair in a string")
}

// hex reads "uXXXX".
func (p *parser) hex() (rune, error) {
	p.pos++
	if len(p.src)-p.pos < 4 {
		return 0, p.fail("the text ends inside an escape")
	}
	digits := p.src[p.pos : p.pos+4]
	for _, c := range digits {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return 0, p.fail("four hexadecimal digits were expected after \\u")
		}
	}
	n, err := strconv.ParseUint(string(digits), 16, 32)
	if err != nil {
		return 0, p.fail("four hexadecimal digits were expected after \\u")
	}
	p.pos += 4
	return rune(n), nil
}
