package diff

import "math"

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
	s.reset(doc, nil)
	if !s.document(0) {
		return explain(doc, 0)
	}
	return nil
}

// CheckCase is [Check], and also refuses a document with an object of which two keys
// differ only in case, by the rule of encoding/json, which takes both for the same field
// of a struct. The error is a *[SyntaxError] that matches [ErrCase] then.
func CheckCase(doc []byte) error {
	s := scanners.Get().(*scanner)
	defer s.release()
	s.reset(doc, nil)
	s.folding = true
	if !s.document(0) {
		return explain(doc, 0)
	}
	if s.foldedAt != bad {
		return explainCase(doc, s.foldedAt)
	}
	return nil
}
