package diff

import (
	"hash/maphash"
	"sync"
)

// scanner checks a document and, if there is a tree, builds it. What it refuses, the
// explainer refuses too, and says where and why. Its methods take the offset where
// something begins and return the one where it ends, or bad.
type scanner struct {
	src     []byte
	keys    []scannedKey // of the objects that are open
	slots   []uint32     // of repeatedInTable: position of a key + 1; 0: free
	scratch []byte       // a decoded string
	t       *tree        // nil: nothing is built
	against *comparison  // nil: there is no other document

	folding  bool // it looks for keys that differ only in case
	foldedAt int  // where the first such key begins, or bad
}

const bad = -1

// scanners recycles their memory, as trees does.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

func (s *scanner) release() {
	const largest = 1 << 18 // keys
	if cap(s.keys) <= largest {
		s.reset(nil, nil)
		scanners.Put(s)
	}
}

func (s *scanner) reset(src []byte, t *tree) {
	s.src, s.t, s.keys, s.against, s.folding, s.foldedAt = src, t, s.keys[:0], nil, false, bad
}

// document checks all of src.
func (s *scanner) document(depth int) (ok bool) {
	if uint64(len(s.src)) > largestDocument {
		return false
	}
	end := s.value(s.space(0), depth)
	return end != bad && s.space(end) == len(s.src)
}

// build checks src and makes a tree of it, for a place that many levels down.
func (s *scanner) build(src []byte, depth int, t *tree) (root *node, ok bool) {
	if uint64(len(src)) > largestDocument {
		return nil, false
	}
	s.reset(src, t)
	t.reset(src)
	if !s.document(depth) {
		return nil, false
	}
	return &t.nodes[t.open], true
}

func (s *scanner) value(i, depth int) int {
	var end int
	switch c := s.at(i); c {
	case '"':
		return s.text(i)
	case '{', '[':
		if depth == MaxDepth {
			return bad
		}
		if c == '{' {
			return s.object(i, depth+1)
		}
		return s.list(i, depth+1)
	case 't':
		end = s.literal(i, "true")
	case 'f':
		end = s.literal(i, "false")
	case 'n':
		end = s.literal(i, "null")
	default:
		end = s.number(i)
	}
	if end != bad && s.t != nil {
		s.leaf(i, end, maphash.Bytes(seed, s.src[i:end])^hashScalar)
	}
	return end
}

// leaf adds what has no children, or a key, to the container that is open.
func (s *scanner) leaf(start, end int, hash uint64) {
	s.t.push(node{hash: hash, start: uint32(start), end: uint32(end)})
}

// base is where the children of a container that opens now will begin.
func (s *scanner) base() int {
	if s.t == nil {
		return 0
	}
	return s.t.open
}

func (s *scanner) list(start, depth int) int {
	base, i := s.base(), s.space(start+1)
	for n := 0; n > 0 || s.at(i) != ']'; n++ {
		end := s.value(i, depth)
		if end == bad {
			return bad
		}
		if s.against.concerns(i, end) {
			s.against.visit(i, end, depth, Index(n))
		}
		i = s.space(end)
		if c := s.at(i); c == ']' {
			break
		} else if c != ',' {
			return bad
		}
		i = s.space(i + 1)
	}
	if s.t != nil {
		s.t.close(start, i+1, base)
	}
	return i + 1
}

func (s *scanner) object(start, depth int) int {
	base, keys, i := s.base(), len(s.keys), s.space(start+1)
	for n := 0; n > 0 || s.at(i) != '}'; n++ {
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
		if s.against.concerns(i, end) {
			key := s.keys[len(s.keys)-1]
			s.against.visit(i, end, depth, Key(string(decoded(s.keyText(key)))))
		}
		i = s.space(end)
		if c := s.at(i); c == '}' {
			break
		} else if c != ',' {
			return bad
		}
		i = s.space(i + 1)
	}
	if s.refuses(s.keys[keys:]) {
		return bad
	}
	s.keys = s.keys[:keys]
	if s.t != nil {
		s.t.close(start, i+1, base)
	}
	return i + 1
}

// text is a string that is a value.
func (s *scanner) text(i int) int {
	end, escaped := s.string(i)
	if end != bad && s.t != nil {
		s.leaf(i, end, s.hash(i, end, escaped))
	}
	return end
}

// hash is that of what the string src[i:end] stands for.
func (s *scanner) hash(i, end int, escaped bool) uint64 {
	inner := s.src[i+1 : end-1]
	if escaped {
		s.scratch = appendDecoded(s.scratch[:0], inner)
		inner = s.scratch
	}
	return maphash.Bytes(seed, inner)
}
