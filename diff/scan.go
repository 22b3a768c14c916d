package diff

import (
	"hash/maphash"
	"sync"
)

// scanner checks a document and, if there is a tree, builds it. What it refuses, the
// explainer refuses too, and says where and why. Its methods take the offset where
// something begins and return the one where it ends, or bad.
//
// On the way it collects the values that enclose src[from:to].
type scanner struct {
	src      []byte
	from, to int
	keys     []scannedKey // of the objects that are open
	slots    []uint32     // of repeatedInTable: position of a key + 1; 0: free
	scratch  []byte       // a decoded string
	rungs    []rung
	t        *tree // nil: nothing is built

	folding  bool // it looks for keys that differ only in case
	foldedAt int  // where the first such key begins, or bad
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
	const largest = 1 << 18 // keys
	if cap(s.keys) <= largest {
		s.src, s.t, s.folding = nil, nil, false
		clear(s.rungs)
		scanners.Put(s)
	}
}

// scan checks src and, if it is good, returns the values that enclose
// src[from:to], innermost first. They stand until release.
func (s *scanner) scan(src []byte, from, to int) (rungs []rung, ok bool) {
	s.foldedAt = bad
	s.src, s.from, s.to, s.t, s.keys, s.rungs = src, from, to, nil, s.keys[:0], s.rungs[:0]
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

// build checks src and makes a tree of it, for a place that many levels down.
func (s *scanner) build(src []byte, depth int, t *tree) (root *node, ok bool) {
	if uint64(len(src)) > largestDocument {
		return nil, false
	}
	s.src, s.from, s.to, s.t, s.keys, s.rungs = src, bad, 0, t, s.keys[:0], s.rungs[:0]
	t.reset(src)
	end := s.value(s.space(0), depth)
	if end == bad || s.space(end) != len(src) {
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
		if i <= s.from && s.to <= end {
			s.rungs = append(s.rungs, rung{i, end, Index(n)})
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
		if i <= s.from && s.to <= end {
			k := s.keys[len(s.keys)-1]
			s.rungs = append(s.rungs, rung{i, end, Key(string(decoded(s.src[k.start:k.end])))})
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
