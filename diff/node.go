package diff

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"slices"
	"strings"
)

// kind is the first byte of a value's text, but for numbers.
type kind byte

const (
	null   kind = 'n'
	yes    kind = 't'
	no     kind = 'f'
	number kind = '0'
	text   kind = '"'
	list   kind = '['
	object kind = '{'
)

// node is one value of a document.
type node struct {
	kind    kind
	raw     []byte   // its text, white space around it left out
	str     string   // of a string: decoded
	items   []node   // of a list
	members []member // of an object, in the order of the text
	sorted  []int32  // of an object: members in the order of their keys
	hash    uint64   // equal values have equal hashes
}

type member struct {
	key   string
	value node
}

var seed = maphash.MakeSeed()

// seal computes the hash of a value whose parts are complete.
func (n *node) seal() {
	switch n.kind {
	case text:
		n.hash = maphash.String(seed, n.str)
	case list:
		n.hash = 0x9e3779b97f4a7c15
		for i := range n.items {
			n.hash = mix(n.hash ^ n.items[i].hash)
		}
	case object:
		n.hash = 0xc2b2ae3d27d4eb4f
		for i := range n.members { // a sum: the order of keys does not count
			n.hash += mix(maphash.String(seed, n.members[i].key) ^ mix(n.members[i].value.hash))
		}
	default:
		n.hash = maphash.Bytes(seed, n.raw)
	}
	n.hash = mix(n.hash + uint64(n.kind))
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// equal reports whether two values are the same. Hashes decide that they are not.
func (n *node) equal(m *node) bool {
	if n == m {
		return true
	}
	if n.hash != m.hash || n.kind != m.kind {
		return false
	}
	switch n.kind {
	case text:
		return n.str == m.str
	case list:
		return slices.EqualFunc(n.items, m.items, func(a, b node) bool { return a.equal(&b) })
	case object:
		if len(n.members) != len(m.members) {
			return false
		}
		for i := range n.sorted {
			a, b := &n.members[n.sorted[i]], &m.members[m.sorted[i]]
			if a.key != b.key || !a.value.equal(&b.value) {
				return false
			}
		}
		return true
	}
	return bytes.Equal(n.raw, m.raw)
}

// sortKeys orders an object's members by key, and returns the index of one whose
// key is there twice, or -1.
func (n *node) sortKeys() int {
	n.sorted = make([]int32, len(n.members))
	for i := range n.sorted {
		n.sorted[i] = int32(i)
	}
	slices.SortFunc(n.sorted, func(a, b int32) int {
		if c := strings.Compare(n.members[a].key, n.members[b].key); c != 0 {
			return c
		}
		return int(a - b)
	})
	for i := 1; i < len(n.sorted); i++ {
		if n.members[n.sorted[i]].key == n.members[n.sorted[i-1]].key {
			return int(n.sorted[i])
		}
	}
	return -1
}

// find returns an object's member, or nil.
func (n *node) find(key string) *node {
	i, ok := slices.BinarySearchFunc(n.sorted, key, func(i int32, key string) int {
		return strings.Compare(n.members[i].key, key)
	})
	if n.kind != object || !ok {
		return nil
	}
	return &n.members[n.sorted[i]].value
}

// set replaces an object's member or appends one.
func (n *node) set(key string, value node) {
	if found := n.find(key); found != nil {
		*found = value
		return
	}
	n.members = append(n.members, member{key, value})
	n.sortKeys()
}

// unset removes an object's member, and reports whether there was one.
func (n *node) unset(key string) bool {
	i := slices.IndexFunc(n.members, func(m member) bool { return m.key == key })
	if i < 0 {
		return false
	}
	n.members = slices.Delete(n.members, i, i+1)
	n.sortKeys()
	return true
}

// append writes the value without white space. Leaves keep their text.
func (n *node) append(b []byte) []byte {
	switch n.kind {
	case list:
		b = append(b, '[')
		for i := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = n.items[i].append(b)
		}
		return append(b, ']')
	case object:
		b = append(b, '{')
		for i := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendKey(b, n.members[i].key)
			b = append(b, ':')
			b = n.members[i].value.append(b)
		}
		return append(b, '}')
	}
	return append(b, n.raw...)
}

func appendKey(b []byte, key string) []byte {
	plain := !strings.ContainsFunc(key, func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029'
	})
	if plain {
		b = append(b, '"')
		b = append(b, key...)
		return append(b, '"')
	}
	quoted, err := json.Marshal(key)
	if err != nil {
		panic(err) // a string always encodes
	}
	return append(b, quoted...)
}
