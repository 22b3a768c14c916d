package diff

import "math/bits"

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
	hash := s.hash(i, end, escaped)
	s.keys = append(s.keys, scannedKey{hash, uint32(i), uint32(end)})
	if s.t != nil {
		s.leaf(i, end, hash)
	}
	return end
}

// seenTwice reports whether two of the keys of one object are the same.
func (s *scanner) seenTwice(keys []scannedKey) bool {
	if len(keys) > fewChildren {
		return s.seenTwiceInTable(keys)
	}
	for i := 1; i < len(keys); i++ {
		for j := range i {
			if keys[i].hash == keys[j].hash && s.sameKey(keys[i], keys[j]) {
				return true
			}
		}
	}
	return false
}

func (s *scanner) seenTwiceInTable(keys []scannedKey) bool {
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
			if other := keys[s.slots[at]-1]; k.hash == other.hash && s.sameKey(k, other) {
				return true
			}
		}
		s.slots[at] = uint32(i) + 1
	}
	return false
}

func (s *scanner) sameKey(a, b scannedKey) bool {
	return sameString(s.src[a.start:a.end], s.src[b.start:b.end])
}
