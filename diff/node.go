package diff

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"
)

// node is one value of a document. The first byte of its text tells what it is.
type node struct {
	hash       uint64 // equal values have equal hashes, however they are written
	start, end uint32 // its text in the source
	first, n   uint32 // its children in tree.nodes; of an object: key, value, key, value...
}

// tree is a parsed document. While it is built, the finished nodes grow from the
// front, and from the back the children of what is still open: there is room for
// all nodes, so the two never meet.
type tree struct {
	src   []byte
	nodes []node // the children of one container stand side by side
	done  int    // how many are finished
	open  int    // where the others begin, the last one first
}

// reset makes room for all the nodes of src: before each but the root, there is a
// comma, a colon, or the opening of its container. What strings hold of these makes
// the room larger than it must be.
func (t *tree) reset(src []byte) {
	size := 1
	for _, c := range [...]byte{',', ':', '[', '{'} {
		size += bytes.Count(src, []byte{c})
	}
	if t.src = src; cap(t.nodes) < size {
		t.nodes = make([]node, size)
	}
	t.nodes = t.nodes[:size]
	t.done, t.open = 0, size
}

// push adds a node to the container that is open.
func (t *tree) push(n node) {
	t.open--
	t.nodes[t.open] = n
}

// close finishes the children of a list or object, which are what was pushed since
// open was base, and pushes it.
func (t *tree) close(start, end, base int) {
	kids := t.nodes[t.open:base]
	slices.Reverse(kids)
	n := node{start: uint32(start), end: uint32(end), first: uint32(t.done), n: uint32(len(kids))}
	if t.src[start] == '[' {
		n.hash = listHash(kids)
	} else {
		n.hash = objectHash(kids)
	}
	t.done += copy(t.nodes[t.done:], kids)
	t.open = base
	t.push(n)
}

// value is a node together with its tree. The zero value stands for nothing.
type value struct {
	t *tree
	*node
}

func (v value) exists() bool   { return v.t != nil }
func (v value) isList() bool   { return v.t != nil && v.t.src[v.start] == '[' }
func (v value) isObject() bool { return v.t != nil && v.t.src[v.start] == '{' }
func (v value) text() []byte   { return v.t.src[v.start:v.end:v.end] }
func (v value) kid(i int) value {
	return value{v.t, &v.t.nodes[int(v.first)+i]}
}

// kids are the children; what does not exist has none.
func (v value) kids() []node {
	if v.t == nil {
		return nil
	}
	return v.t.nodes[v.first : v.first+v.n]
}

// name decodes the i-th child, which is a key.
func (v value) name(i int) string { return string(decoded(v.kid(i).text())) }

// same reports whether two values are equal. Equal hashes are not trusted, equal
// texts are, so that it rarely has to walk.
func same(a, b value) bool {
	if a.t == nil || b.t == nil {
		return a.t == b.t
	}
	if a.hash != b.hash {
		return false
	}
	at, bt := a.text(), b.text()
	if bytes.Equal(at, bt) {
		return true
	}
	if at[0] != bt[0] || a.n != b.n {
		return false
	}
	switch at[0] {
	case '"':
		return sameString(at, bt)
	case '[':
		for i := range int(a.n) {
			if !same(a.kid(i), b.kid(i)) {
				return false
			}
		}
		return true
	case '{':
		var index memberIndex
		for i := 0; i < int(a.n); i += 2 {
			j := index.find(b, a.kid(i), i)
			if j < 0 || !same(a.kid(i+1), b.kid(j+1)) {
				return false
			}
		}
		return true
	}
	return false
}

// sameString compares two string texts, quotes included, by what they mean.
func sameString(a, b []byte) bool {
	return bytes.Equal(a, b) ||
		(bytes.IndexByte(a, '\\') >= 0 || bytes.IndexByte(b, '\\') >= 0) && bytes.Equal(decoded(a), decoded(b))
}

// seed makes hashes that nobody outside the process can aim at.
var seed = maphash.MakeSeed()

const (
	hashScalar = 0x9e3779b97f4a7c15
	hashList   = 0xc2b2ae3d27d4eb4f
	hashObject = 0x165667b19e3779f9
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

func listHash(kids []node) uint64 {
	h := uint64(hashList)
	for i := range kids {
		h = mix(h, kids[i].hash)
	}
	return mix(h, uint64(len(kids)))
}

func objectHash(kids []node) uint64 {
	h := uint64(hashObject)
	for i := 0; i < len(kids); i += 2 {
		h += mix(kids[i].hash, kids[i+1].hash) // a sum: order does not count
	}
	return mix(h, uint64(len(kids)))
}

// fewChildren is up to where looking at all keys is cheaper than a table.
const fewChildren = 16

// memberIndex finds the members of one object by key. The zero memberIndex is ready.
type memberIndex struct {
	slots []uint32 // position of a key among the children + 1; 0: free
}

// find returns the position of key among the object's children, or -1. It looks at
// hint first.
func (x *memberIndex) find(object, key value, hint int) int {
	kids := object.kids()
	if hint < len(kids) && isKey(object, &kids[hint], key) {
		return hint
	}
	if len(kids) <= fewChildren {
		for i := 0; i < len(kids); i += 2 {
			if isKey(object, &kids[i], key) {
				return i
			}
		}
		return -1
	}
	if x.slots == nil {
		x.fill(object)
	}
	mask := uint64(len(x.slots) - 1)
	for at := key.hash & mask; x.slots[at] != 0; at = (at + 1) & mask {
		if i := int(x.slots[at] - 1); isKey(object, &kids[i], key) {
			return i
		}
	}
	return -1
}

// fill puts the keys of an object into the table.
func (x *memberIndex) fill(object value) {
	size := 1 << bits.Len(uint(object.n)) // at least twice the keys
	x.slots = make([]uint32, size)
	kids, mask := object.kids(), uint64(size-1)
	for i := 0; i < len(kids); i += 2 {
		at := kids[i].hash & mask
		for x.slots[at] != 0 {
			at = (at + 1) & mask
		}
		x.slots[at] = uint32(i) + 1
	}
}

func isKey(object value, candidate *node, key value) bool {
	return candidate.hash == key.hash && sameString(object.t.src[candidate.start:candidate.end], key.text())
}
