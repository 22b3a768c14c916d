package diff

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// pair is what is to be compared of two documents: two values at the same path,
// outside of which the documents are the same.
type pair struct {
	x, y value
	path Path
}

// narrow checks two documents and returns the smallest two values that hold all that
// differs between their texts. If there is none, x and y do not exist.
//
// If old is good, and new is old with one value in the place of another, then new is
// good exactly if that value is: a change within a value touches neither the grammar
// around it nor the keys of what encloses it. So old is checked and never built,
// and of new only that value is looked at.
//
// Where keys identify the elements of lists, the values are large enough to hold the
// list in which an identity may have changed.
func narrow(old, new []byte, keys []string) (p pair, oldErr, newErr error) {
	if len(old) == 0 || len(new) == 0 || uint64(len(new)) > largestDocument {
		return whole(old, new)
	}
	if bytes.Equal(old, new) {
		return pair{}, Check(old), nil
	}
	head := commonPrefix(old, new)
	tail := commonSuffix(old[head:], new[head:])
	if head+tail < len(old)-head-tail {
		return whole(old, new) // there is not enough to be spared
	}
	s := scanners.Get().(*scanner)
	defer s.release()
	rungs, ok := s.scan(old, head, len(old)-tail)
	if !ok {
		return whole(old, new)
	}
	tried := 0
	for i, r := range rungs {
		size := r.end - r.start
		if size-tried < tried || leadsToKey(rungs[i:], keys) { // doubled, all trials together cost little more than the last
			continue
		}
		tried = size
		depth := len(rungs) - 1 - i
		x, y, _, ok := buildBoth(old[r.start:r.end], new[r.start:r.end+len(new)-len(old)], depth)
		if !ok {
			release(x)
			continue
		}
		if r.step.IsIndex() && x.isObject() && y.isObject() && len(keys) > 0 {
			release(x, y) // another element, perhaps
			continue
		}
		return pair{x, y, way(rungs[i:])}, nil, nil
	}
	return whole(old, new)
}

// leadsToKey reports whether the first rung may be, or be inside, what identifies an
// element of a list.
func leadsToKey(rungs []rung, keys []string) bool {
	for i := 0; i+2 < len(rungs); i++ {
		if rungs[i+1].step.IsIndex() && slices.Contains(keys, rungs[i].step.Key()) {
			return true
		}
	}
	return false
}

// whole checks and builds both documents.
func whole(old, new []byte) (p pair, oldErr, newErr error) {
	if len(old) == 0 || len(new) == 0 {
		p.x, oldErr = parseOptional(old)
		p.y, newErr = parseOptional(new)
		return p, oldErr, newErr
	}
	var oldGood, newGood bool
	p.x, p.y, oldGood, newGood = buildBoth(old, new, 0)
	if !oldGood {
		oldErr = explain(old, 0)
	}
	if !newGood {
		newErr = explain(new, 0)
	}
	return p, oldErr, newErr
}

// way is the path to the first rung. The last one is the document.
func way(rungs []rung) Path {
	path := make(Path, 0, len(rungs)+4)
	for _, r := range slices.Backward(rungs[:len(rungs)-1]) {
		path = append(path, r.step)
	}
	return path
}

func commonPrefix(a, b []byte) int {
	n, i := min(len(a), len(b)), 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

func commonSuffix(a, b []byte) int {
	n, i := min(len(a), len(b)), 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[len(a)-i-8:]) ^ binary.LittleEndian.Uint64(b[len(b)-i-8:]); x != 0 {
			return i + bits.LeadingZeros64(x)/8
		}
	}
	for i < n && a[len(a)-i-1] == b[len(b)-i-1] {
		i++
	}
	return i
}
