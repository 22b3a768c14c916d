package diff

// alignment pairs the elements of an old list with those of a new one, in order:
// the same elements, and in between, unless an identity tells them apart, the first
// that went with the first that came.
type alignment struct {
	head, tail int     // how many are the same at both ends
	old, new   int     // lengths
	keyed      bool    // paired by identity: pairs may differ
	to         []int32 // for each old element in the middle: its new index, or -1
	from       []int32 // for each new element in the middle: its old index, or -1
}

// target returns the new index of the old element i, or -1.
func (al *alignment) target(i int) int {
	switch {
	case i < al.head:
		return i
	case i >= al.old-al.tail:
		return i - al.old + al.new
	}
	return int(al.to[i-al.head])
}

// same reports whether the new element j is known to be the same as its source.
func (al *alignment) same(j int) bool {
	return !al.keyed && (j < al.head || j >= al.new-al.tail)
}

// source returns the old index of the new element j, or -1.
func (al *alignment) source(j int) int {
	switch {
	case j < al.head:
		return j
	case j >= al.new-al.tail:
		return j - al.new + al.old
	}
	return int(al.from[j-al.head])
}

// pair records that the old element i and the new element j belong together.
func (al *alignment) pair(i, j int) {
	al.to[i-al.head], al.from[j-al.head] = int32(j), int32(i)
}

// pairGap pairs the old elements i0 to i1 with the new ones j0 to j1, as far as
// both last.
func (al *alignment) pairGap(i0, i1, j0, j1 int) {
	for ; i0 < i1 && j0 < j1; i0, j0 = i0+1, j0+1 {
		al.pair(i0, j0)
	}
}

// aligner aligns lists, within a budget for one call of Diff or Merge.
type aligner struct {
	keys   []string // which members identify an element
	budget int      // of longestCommon
}

// side is one of two lists: its elements, or what identifies them.
type side struct {
	value
	ids []value // one for each element; nil: an element is identified by its value
}

func (s side) id(i int) value {
	if s.ids != nil {
		return s.ids[i]
	}
	return s.kid(i)
}

func (a *aligner) align(x, y value) alignment {
	old, new := a.sides(x, y)
	al := alignment{old: int(x.n), new: int(y.n), keyed: old.ids != nil}
	shorter := min(al.old, al.new)
	for al.head < shorter && same(old.id(al.head), new.id(al.head)) {
		al.head++
	}
	for al.tail < shorter-al.head && same(old.id(al.old-al.tail-1), new.id(al.new-al.tail-1)) {
		al.tail++
	}
	oldEnd, newEnd := al.old-al.tail, al.new-al.tail
	al.to, al.from = unpaired(oldEnd-al.head), unpaired(newEnd-al.head)
	i, j := al.head, al.head
	if i < oldEnd && j < newEnd {
		for _, m := range commonElements(old, new, al.head, oldEnd, newEnd, &a.budget) {
			if !al.keyed {
				al.pairGap(i, int(m.i), j, int(m.j))
			}
			al.pair(int(m.i), int(m.j))
			i, j = int(m.i)+1, int(m.j)+1
		}
	}
	if !al.keyed {
		al.pairGap(i, oldEnd, j, newEnd)
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

// commonElements returns a longest common subsequence of x[head:oldEnd] and
// y[head:newEnd].
func commonElements(x, y side, head, oldEnd, newEnd int, budget *int) []match {
	names := interner{ids: make(map[uint64]int32, oldEnd-head)}
	a, b := make([]int32, oldEnd-head), make([]int32, newEnd-head)
	for i := range a {
		a[i] = names.id(x.id(head+i), true)
	}
	inBoth := make([]bool, len(names.values))
	for j := range b {
		if b[j] = names.id(y.id(head+j), false); b[j] >= 0 {
			inBoth[b[j]] = true
		}
	}
	// What only one list has is on no common subsequence.
	a, ai := choose(a, func(id int32) bool { return inBoth[id] })
	b, bi := choose(b, func(id int32) bool { return id >= 0 })
	matches := longestCommon(a, b, len(names.values), budget)
	for k, m := range matches {
		matches[k] = match{ai[m.i] + int32(head), bi[m.j] + int32(head)}
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
