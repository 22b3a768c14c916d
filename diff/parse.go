package diff

import (
	"math"
	"sync"
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
	if _, ok := s.scan(doc, len(doc), len(doc)); !ok {
		return explain(doc, 0)
	}
	return nil
}

// parse reads a document. The value refers to src.
func parse(src []byte) (value, error) { return parseAt(src, 0) }

// parseAt is parse for what is to stand depth levels down a document.
func parseAt(src []byte, depth int) (value, error) {
	s := scanners.Get().(*scanner)
	defer s.release()
	t := trees.Get().(*tree)
	root, ok := s.build(src, depth, t)
	if !ok {
		return value{}, explain(src, depth)
	}
	return value{t, root}, nil
}

// parseOptional is parse, where an empty text is no document.
func parseOptional(src []byte) (value, error) {
	if len(src) == 0 {
		return value{}, nil
	}
	return parse(src)
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
