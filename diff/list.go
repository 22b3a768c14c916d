package diff

import "slices"

// maxEdits bounds the exact comparison of two lists. Up to that many insertions and
// deletions it is minimal (Myers, "An O(ND) Difference Algorithm", 1986) and takes
// at most maxEdits squared steps and a few megabytes. Lists that differ in more are
// aligned by the elements that each has exactly once, in the order of the longest
// increasing run (patience diff), which takes n log n steps and linear memory. So
// no input costs quadratic memory.
const maxEdits = 1000

// pair says that element old of one list and element new of another belong
// together; same, that they are equal.
type pair struct {
	old, new int
	same     bool
}

// align pairs the elements of two lists, in increasing order of both indexes.
// Between two equal pairs, what was replaced is paired in order, so that only what
// really came or went has no partner.
func align(a, b []node) []pair {
	prefix := 0
	for prefix < len(a) && prefix < len(b) && a[prefix].equal(&b[prefix]) {
		prefix++
	}
	suffix := 0
	for suffix < len(a)-prefix && suffix < len(b)-prefix && a[len(a)-1-suffix].equal(&b[len(b)-1-suffix]) {
		suffix++
	}
	pairs := make([]pair, 0, min(len(a), len(b)))
	for i := range prefix {
		pairs = append(pairs, pair{i, i, true})
	}
	endA, endB := len(a)-suffix, len(b)-suffix
	atA, atB := prefix, prefix
	gap := func(toA, toB int) {
		for atA < toA && atB < toB {
			pairs = append(pairs, pair{atA, atB, false})
			atA, atB = atA+1, atB+1
		}
		atA, atB = toA, toB
	}
	for _, anchor := range anchors(a[prefix:endA], b[prefix:endB]) {
		gap(anchor.old+prefix, anchor.new+prefix)
		pairs = append(pairs, pair{atA, atB, true})
		atA, atB = atA+1, atB+1
	}
	gap(endA, endB)
	for i := range suffix {
		pairs = append(pairs, pair{endA + i, endB + i, true})
	}
	return pairs
}

// anchors returns pairs of equal elements, increasing in both indexes: as many as
// there are if that costs no more than maxEdits.
func anchors(a, b []node) []pair {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	if found, ok := myers(a, b); ok {
		return found
	}
	return patience(a, b)
}

// myers finds the longest common subsequence, unless there are more than maxEdits
// differences. reach[d][k+d] is how far into a one gets on diagonal k (the index in
// a less the index in b) with d edits.
func myers(a, b []node) ([]pair, bool) {
	var reach [][]int32
	front := func(d, k int) int { // how far d edits got on diagonal k, -1 if not at all
		if d < 0 || k < -d || k > d {
			return -1
		}
		return int(reach[d][k+d])
	}
	for d := 0; d <= min(maxEdits, len(a)+len(b)); d++ {
		reach = append(reach, make([]int32, 2*d+1))
		for k := -d; k <= d; k += 2 {
			x := step(front, d, k)
			y := x - k
			for x < len(a) && y >= 0 && y < len(b) && a[x].equal(&b[y]) {
				x, y = x+1, y+1
			}
			reach[d][k+d] = int32(x)
			if x >= len(a) && y >= len(b) {
				return trace(front, d, len(a), len(b)), true
			}
		}
	}
	return nil, false
}

// step is where the d-th edit lands on diagonal k: by a deletion from k-1 or an
// insertion from k+1, whichever got further.
func step(front func(d, k int) int, d, k int) int {
	if d == 0 {
		return 0
	}
	down, right := -1, -1
	if k < d-1 { // from k+1, an insertion
		down = front(d-1, k+1)
	}
	if k > -d+1 { // from k-1, a deletion
		right = front(d-1, k-1) + 1
	}
	return max(down, right)
}

// trace walks back from the end and collects the equal pairs.
func trace(front func(d, k int) int, d, x, y int) []pair {
	var found []pair
	for ; d >= 0; d-- {
		k := x - y
		start := step(front, d, k)
		for x > start {
			x, y = x-1, y-1
			found = append(found, pair{x, y, true})
		}
		if d == 0 {
			break
		}
		if k < d-1 && front(d-1, k+1) == start {
			y--
		} else {
			x--
		}
	}
	slices.Reverse(found)
	return found
}

// patience pairs the elements that each list has exactly once and keeps the longest
// run of pairs that increases in both.
func patience(a, b []node) []pair {
	type place struct {
		inA, inB       int
		countA, countB int
	}
	places := make(map[uint64]*place, len(a))
	for i := range a {
		p := places[a[i].hash]
		if p == nil {
			p = &place{}
			places[a[i].hash] = p
		}
		p.inA, p.countA = i, p.countA+1
	}
	var candidates []pair
	for j := range b {
		if p := places[b[j].hash]; p != nil {
			p.inB, p.countB = j, p.countB+1
		}
	}
	for i := range a {
		if p := places[a[i].hash]; p.countA == 1 && p.countB == 1 && a[i].equal(&b[p.inB]) {
			candidates = append(candidates, pair{i, p.inB, true})
		}
	}
	return longestIncreasing(candidates)
}

// longestIncreasing keeps a longest subsequence whose new indexes increase.
func longestIncreasing(pairs []pair) []pair {
	tails := make([]int, 0, len(pairs)) // the pair that ends the best run of each length
	before := make([]int, len(pairs))
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(tails, p.new, func(t, new int) int { return pairs[t].new - new })
		if before[i] = -1; n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	run := make([]pair, len(tails))
	for n, i := len(tails)-1, -1; n >= 0; n-- {
		if i < 0 {
			i = tails[n]
		} else {
			i = before[i]
		}
		run[n] = pairs[i]
	}
	return run
}
