package diff

// alignment pairs the elements of an old list with those of a new one: first those
// that are the same, in order.
type alignment struct {
	x, y       side
	head, tail int     // how many are the same at both ends
	common     []match // which in between, ascending on both sides
	to         []int32 // for each old element in the middle: its new index, or -1
	from       []int32 // for each new element in the middle: its old index, or -1

	simple bool // to and from are not needed: the middles pair as far as both last
}

// side is one of two lists: its elements, or what identifies them.
type side struct {
	value
	ids []value // one for each element; nil: an element is identified by its value
}

func (s *side) id(i int) value {
	if s.ids != nil {
		return s.ids[i]
	}
	return s.kid(i)
}

func (al *alignment) keyed() bool { return al.x.ids != nil }
func (al *alignment) oldEnd() int { return int(al.x.n) - al.tail }
func (al *alignment) newEnd() int { return int(al.y.n) - al.tail }

// target returns the new index of the old element i, or -1.
func (al *alignment) target(i int) int {
	switch {
	case i < al.head:
		return i
	case i >= al.oldEnd():
		return i - al.oldEnd() + al.newEnd()
	}
	if al.simple {
		return below(i, al.newEnd())
	}
	return int(al.to[i-al.head])
}

// same reports whether the new element j is known to be the same as its source.
func (al *alignment) same(j int) bool {
	return !al.keyed() && (j < al.head || j >= al.newEnd())
}

// source returns the old index of the new element j, or -1.
func (al *alignment) source(j int) int {
	switch {
	case j < al.head:
		return j
	case j >= al.newEnd():
		return j - al.newEnd() + al.oldEnd()
	}
	if al.simple {
		return below(j, al.oldEnd())
	}
	return int(al.from[j-al.head])
}

// below is i if it is below end, else -1.
func below(i, end int) int {
	if i < end {
		return i
	}
	return -1
}

// pair records that the old element i and the new element j belong together.
func (al *alignment) pair(i, j int) {
	al.to[i-al.head], al.from[j-al.head] = int32(j), int32(i)
}

// pairMoved pairs elements that are the same, but out of order.
func (al *alignment) pairMoved() {
	if al.simple {
		return
	}
	names := interner{ids: make(map[uint64]int32)}
	var first []int32                      // for each number: the first old element that has it
	next := make([]int32, len(al.to))      // and the one after that; -1: no more
	for k := len(al.to) - 1; k >= 0; k-- { // backwards, so that the first comes first
		if al.to[k] >= 0 {
			continue
		}
		id := names.id(al.x.id(al.head+k), true)
		if int(id) == len(first) {
			first = append(first, -1)
		}
		next[k], first[id] = first[id], int32(k)
	}
	for k := range al.from {
		if al.from[k] >= 0 {
			continue
		}
		if id := names.id(al.y.id(al.head+k), false); id >= 0 && first[id] >= 0 {
			al.pair(al.head+int(first[id]), al.head+k)
			first[id] = next[first[id]]
		}
	}
}

// pairGaps pairs, between what is the same, the first that went with the first that
// came, unless they have identities, which differ.
func (al *alignment) pairGaps() {
	if al.keyed() || al.simple {
		return
	}
	i, j := al.head, al.head
	for _, m := range al.common {
		al.pairGap(i, int(m.i), j, int(m.j))
		i, j = int(m.i)+1, int(m.j)+1
	}
	al.pairGap(i, al.oldEnd(), j, al.newEnd())
}

// pairGap pairs the old elements i0 to i1 with the new ones j0 to j1, as far as
// both last.
func (al *alignment) pairGap(i0, i1, j0, j1 int) {
	for {
		for i0 < i1 && al.target(i0) >= 0 {
			i0++
		}
		for j0 < j1 && al.source(j0) >= 0 {
			j0++
		}
		if i0 == i1 || j0 == j1 {
			return
		}
		al.pair(i0, j0)
	}
}

// aligner aligns lists, within a budget for one call of Diff or Merge.
type aligner struct {
	keys   []string // which members identify an element
	budget int      // of longestCommon
}

// align pairs the elements of x and y that are the same, in order.
func (a *aligner) align(x, y value) (al alignment) {
	al.x, al.y = a.sides(x, y)
	shorter := int(min(x.n, y.n))
	for al.head < shorter && same(al.x.id(al.head), al.y.id(al.head)) {
		al.head++
	}
	for al.tail < shorter-al.head && same(al.x.id(al.oldEnd()-1), al.y.id(al.newEnd()-1)) {
		al.tail++
	}
	went, came := al.oldEnd()-al.head, al.newEnd()-al.head
	if al.simple = went == 0 || came == 0 || went == 1 && came == 1 && !al.keyed(); al.simple {
		return al
	}
	al.to, al.from = unpaired(went), unpaired(came)
	al.common = al.longestCommon(&a.budget)
	for _, m := range al.common {
		al.pair(int(m.i), int(m.j))
	}
	return al
}

func unpaired(n int) []int32 {
	none := make([]int32, n)
	for i := range none {
		none[i] = -1
	}
	return none
}

// longestCommon returns a longest common subsequence of the middles.
func (al *alignment) longestCommon(budget *int) []match {
	names := interner{ids: make(map[uint64]int32, len(al.to))}
	a, b := make([]int32, len(al.to)), make([]int32, len(al.from))
	for i := range a {
		a[i] = names.id(al.x.id(al.head+i), true)
	}
	inBoth := make([]bool, len(names.values))
	for j := range b {
		if b[j] = names.id(al.y.id(al.head+j), false); b[j] >= 0 {
			inBoth[b[j]] = true
		}
	}
	// What only one list has is on no common subsequence.
	a, ai := choose(a, func(id int32) bool { return inBoth[id] })
	b, bi := choose(b, func(id int32) bool { return id >= 0 })
	matches := longestCommon(a, b, len(names.values), budget)
	for k, m := range matches {
		matches[k] = match{ai[m.i] + int32(al.head), bi[m.j] + int32(al.head)}
	}
	return matches
}

// choose returns the ids that keep wants and their indices.
func choose(ids []int32, keep func(int32) bool) (kept, at []int32) {
	for i, id := range ids {
		if keep(id) {
			kept, at = append(kept, id), append(at, int32(i))
		}
	}
	return kept, at
}

// interner gives equal values equal small numbers.
type interner struct {
	ids    map[uint64]int32 // by hash; whoever finds its hash taken goes one on
	values []value
}

// id returns the number of v. If v is new it gets one, or -1 if add is false.
func (in *interner) id(v value, add bool) int32 {
	for h := v.hash; ; h++ {
		id, taken := in.ids[h]
		switch {
		case taken && same(in.values[id], v):
			return id
		case taken:
		case !add:
			return -1
		default:
			id = int32(len(in.values))
			in.ids[h] = id
			in.values = append(in.values, v)
			return id
		}
	}
}
