package diff

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// eachPair checks two documents and calls fn with the smallest pairs of values at the
// same path that hold all that differs between the two texts, in the order of their
// paths. A list with several elements that differ is a pair as a whole. An empty text is
// no document, and its value does not exist. The values are valid during the call only.
func eachPair(old, new []byte, keys []string, fn func(path Path, x, y value)) (oldErr, newErr error) {
	places, ok := narrow(old, new, keys)
	if !ok {
		return wholePair(old, new, fn)
	}
	for _, p := range places {
		x, y, _, _ := buildBoth(old[p.start:p.end], new[p.newStart:p.newEnd], p.depth) // both are good
		fn(p.path(), x, y)
		release(x, y)
	}
	return nil, nil
}

// wholePair checks and builds both documents.
func wholePair(old, new []byte, fn func(path Path, x, y value)) (oldErr, newErr error) {
	var x, y value
	if len(old) == 0 || len(new) == 0 {
		x, oldErr = parseOptional(old)
		y, newErr = parseOptional(new)
	} else {
		var oldGood, newGood bool
		x, y, oldGood, newGood = buildBoth(old, new, 0)
		if !oldGood {
			oldErr = explain(old, 0)
		}
		if !newGood {
			newErr = explain(new, 0)
		}
	}
	if oldErr == nil && newErr == nil {
		fn(nil, x, y)
	}
	release(x, y)
	return oldErr, newErr
}

// place is a value in the old document, and the value at the same path in the new one.
type place struct {
	start, end       int
	newStart, newEnd int
	depth            int
	steps            []Step // of the path, the last one first
}

func (p *place) path() Path {
	slices.Reverse(p.steps)
	return p.steps[:len(p.steps):len(p.steps)]
}

// narrow returns the places in which two good documents differ. It reports false if they
// differ as a whole, or if one of them is not good.
//
// The old document is scanned. The new one is compared with it byte by byte, and where
// the bytes differ only the value there is scanned: a change within a value touches
// neither the grammar around it nor the keys of what encloses it.
func narrow(old, new []byte, keys []string) ([]place, bool) {
	if len(old) == 0 || len(new) == 0 || uint64(len(new)) > largestDocument {
		return nil, false
	}
	s, other := scanners.Get().(*scanner), scanners.Get().(*scanner)
	defer s.release()
	defer other.release()
	s.reset(old, nil)
	other.reset(new, nil)
	c := &comparison{old: old, new: other, same: commonPrefix(old, new), keys: keys, budget: 2 * len(new)}
	s.against = c
	ok := s.document(0) && !c.failed && c.same == len(old) && len(old)+c.shift == len(new) && !c.severalElements(0)
	if !ok || slices.ContainsFunc(c.places, c.leadsToKey) {
		return nil, false
	}
	slices.SortFunc(c.places, byPath)
	return c.places, true
}

// byPath compares two places, neither of which is in the other. Their paths part in an
// object.
func byPath(a, b place) int {
	for i := 1; ; i++ {
		x, y := a.steps[len(a.steps)-i], b.steps[len(b.steps)-i]
		if order := strings.Compare(x.Key(), y.Key()); order != 0 {
			return order
		}
	}
}

// comparison follows the scanner of the old document through the new one. The scanner
// calls visit at the end of each value that concerns it, the inner ones first.
type comparison struct {
	old    []byte
	new    *scanner
	same   int // old[end of the last place:same] is in the new document too,
	shift  int // so many bytes further on
	shifts []shift
	places []place
	keys   []string // that identify elements of lists
	budget int      // how many bytes of the new document may still be scanned
	failed bool     // the new document is not good, or differs in more places than it pays to tell apart
}

const maxPlaces = 100

// shift says that from an offset of the old document on, what is in the new document too
// is there so many bytes further on.
type shift struct{ from, by int }

// concerns reports whether a value of the old document may differ from the one in its
// place, or has a part that does.
func (c *comparison) concerns(start, end int) bool {
	return c != nil && (end >= c.same && start <= c.same || len(c.places) > 0 && c.places[len(c.places)-1].start >= start)
}

// visit compares a value that the old document has depth levels down.
func (c *comparison) visit(start, end, depth int, step Step) {
	switch {
	case c.failed:
		return
	case start <= c.same && c.same <= end:
		c.differ(start, end, depth, step)
	case c.severalElements(start):
		c.replace(place{start: start, end: end, newEnd: end + c.shift, depth: depth})
	}
	for i := len(c.places) - 1; i >= 0 && c.places[i].start >= start; i-- {
		c.places[i].steps = append(c.places[i].steps, step)
	}
}

// differ compares a value in which, or right behind which, the common text ends.
func (c *comparison) differ(start, end, depth int, step Step) {
	newEnd := end + c.shift
	switch several := c.severalElements(start); {
	case c.same == end && !several && !isNumber(c.old[start:end]): // a number may go on
	case len(c.keys) > 0 && step.IsIndex() && c.old[start] == '{':
		return // perhaps another element: the list differs
	default:
		newStart := start + c.shiftAt(start)
		if c.same < end || !several {
			newEnd = c.new.value(newStart, depth)
			c.budget -= newEnd - newStart
		}
		if c.failed = newEnd == bad || c.budget < 0; c.failed {
			return
		}
		if !bytes.Equal(c.old[start:end], c.new.src[newStart:newEnd]) {
			c.replace(place{start: start, end: end, newEnd: newEnd, depth: depth})
		}
	}
	c.goOn(end, newEnd)
}

// replace adds a place, instead of all places in it.
func (c *comparison) replace(p place) {
	p.newStart = p.start + c.shiftAt(p.start)
	for len(c.places) > 0 && c.places[len(c.places)-1].start >= p.start {
		c.places = c.places[:len(c.places)-1]
	}
	c.places = append(c.places, p)
	c.failed = c.failed || len(c.places) > maxPlaces
}

// goOn compares what is behind a value and the one in its place.
func (c *comparison) goOn(end, newEnd int) {
	for end < len(c.old) && isSpace(c.old[end]) {
		end++
	}
	newEnd = c.new.space(newEnd)
	if by := newEnd - end; by != c.shift {
		c.shift = by
		c.shifts = append(c.shifts, shift{end, by})
	}
	c.same = end + commonPrefix(c.old[end:], c.new.src[newEnd:])
}

// shiftAt returns the shift at an offset of the old document.
func (c *comparison) shiftAt(offset int) int {
	for _, s := range slices.Backward(c.shifts) {
		if s.from <= offset {
			return s.by
		}
	}
	return 0
}

// severalElements reports whether the value that begins there is a list with differences
// in several elements.
func (c *comparison) severalElements(start int) bool {
	n := len(c.places)
	for start < len(c.old) && isSpace(c.old[start]) {
		start++ // before the document
	}
	if n < 2 || c.old[start] != '[' || c.places[n-2].start < start {
		return false
	}
	first := n - 2
	for first > 0 && c.places[first-1].start >= start {
		first--
	}
	return lastAdded(c.places[first]) != lastAdded(c.places[n-1])
}

func lastAdded(p place) Step { return p.steps[len(p.steps)-1] }

// leadsToKey reports whether a place may be, or be inside, what identifies an element of
// a list.
func (c *comparison) leadsToKey(p place) bool {
	for i := 0; i+1 < len(p.steps); i++ {
		if p.steps[i+1].IsIndex() && slices.Contains(c.keys, p.steps[i].Key()) {
			return true
		}
	}
	return false
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
