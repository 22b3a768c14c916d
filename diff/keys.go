package diff

import (
	"hash/maphash"
	"math/bits"
)

type scannedKey struct {
	hash       uint64
	start, end uint32 // its text in the source
}

func (s *scanner) key(i int) int {
	if s.at(i) != '"' {
		return bad
	}
	end, escaped := s.string(i)
	if end == bad {
		return bad
	}
	var hash uint64
	if s.folding {
		hash = s.foldedHash(i, end)
	} else {
		hash = s.hash(i, end, escaped)
	}
	s.keys = append(s.keys, scannedKey{hash, uint32(i), uint32(end)})
	if s.t != nil {
		s.leaf(i, end, hash)
	}
	return end
}

// foldedHash is equal for keys that differ only in case.
func (s *scanner) foldedHash(i, end int) uint64 {
	s.scratch = appendFolded(s.scratch[:0], decoded(s.src[i:end]))
	return maphash.Bytes(seed, s.scratch)
}

// refuses reports whether two of the keys of one object are the same. Of those that
// differ only in case, if it looks for them, it notes the first that it meets.
func (s *scanner) refuses(keys []scannedKey) bool {
	if !s.folding {
		return s.repeated(keys, sameString) >= 0
	}
	i := s.repeated(keys, sameFolded)
	if i < 0 {
		return false
	}
	if s.foldedAt == bad {
		s.foldedAt = int(keys[i].start)
	}
	for i, k := range keys {
		keys[i].hash = s.hash(int(k.start), int(k.end), true)
	}
	return s.repeated(keys, sameString) >= 0
}

// repeated returns which key is the same as one before it, or -1. The texts of keys of
// the same hash are compared by same.
func (s *scanner) repeated(keys []scannedKey, same func(a, b []byte) bool) int {
	if len(keys) > fewChildren {
		return s.repeatedInTable(keys, same)
	}
	for i := 1; i < len(keys); i++ {
		for j := range i {
			if keys[i].hash == keys[j].hash && same(s.keyText(keys[i]), s.keyText(keys[j])) {
				return i
			}
		}
	}
	return -1
}

func (s *scanner) repeatedInTable(keys []scannedKey, same func(a, b []byte) bool) int {
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
			if other := keys[s.slots[at]-1]; k.hash == other.hash && same(s.keyText(k), s.keyText(other)) {
				return i
			}
		}
		s.slots[at] = uint32(i) + 1
	}
	return -1
}

func (s *scanner) keyText(k scannedKey) []byte { return s.src[k.start:k.end] }
