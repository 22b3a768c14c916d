package diff

import (
	"slices"
	"sort"
)

const (
	// alignBudget bounds the steps of inRounds for one call of Diff or Merge.
	alignBudget = 1 << 24

	// roundLimit bounds the differences that inRounds looks at together, and so
	// its memory.
	roundLimit = 1 << 10
)

// match says that a[i] and b[j] are the same.
type match struct{ i, j int32 }

// longestCommon returns a longest common subsequence of a and b, whose numbers
// are below ids. It is no longer the longest where few numbers recur often and
// the lists differ in more than roundLimit places; and it ends early when the
// budget does.
func longestCommon(a, b []int32, ids int, budget *int) []match {
	count := make([]int, ids)
	for _, id := range b {
		count[id]++
	}
	if pairs, few := countPairs(a, count, 4*(len(a)+len(b))); few {
		return byMatches(a, b, count, pairs)
	}
	return inRounds(a, b, budget)
}

// countPairs returns how many pairs of equal elements there are, if they are no more
// than limit. It stops there, because there may be more than an int can count.
func countPairs(a []int32, count []int, limit int) (pairs int, few bool) {
	for _, id := range a {
		if pairs += count[id]; pairs > limit {
			return 0, false
		}
	}
	return pairs, true
}

// byMatches finds a longest chain of matches that ascends on both sides, after
// Hunt and Szymanski: n log n where numbers rarely recur. count says how often
// each number is in b.
func byMatches(a, b []int32, count []int, pairs int) []match {
	places := placesOf(b, count)
	type link struct {
		match
		prev int32
	}
	links := make([]link, 0, pairs)
	var tails []int32 // the link that ends a chain of this length earliest in b
	for i, id := range a {
		for _, j := range slices.Backward(places[id]) { // so that one i extends no chain twice
			length := sort.Search(len(tails), func(k int) bool { return links[tails[k]].j >= j })
			prev := int32(-1)
			if length > 0 {
				prev = tails[length-1]
			}
			if length == len(tails) {
				tails = append(tails, 0)
			}
			tails[length] = int32(len(links))
			links = append(links, link{match{int32(i), j}, prev})
		}
	}
	if len(tails) == 0 {
		return nil
	}
	out := make([]match, len(tails))
	at := tails[len(tails)-1]
	for k := len(out) - 1; k >= 0; k-- {
		out[k], at = links[at].match, links[at].prev
	}
	return out
}

// placesOf returns for each number where it is in b, ascending.
func placesOf(b []int32, count []int) [][]int32 {
	places, room := make([][]int32, len(count)), make([]int32, len(b))
	for id, n := range count {
		places[id], room = room[:0:n], room[n:]
	}
	for j, id := range b {
		places[id] = append(places[id], int32(j))
	}
	return places
}

// inRounds finds common elements after Myers: the shortest way through the grid
// of a and b, by number of differences. Each round goes on from the farthest
// point of the last one, which is the end at once if it is near enough.
func inRounds(a, b []int32, budget *int) []match {
	var out []match
	r := round{budget: budget}
	i, j := 0, 0
	for i < len(a) && j < len(b) && *budget > 0 {
		r.a, r.b = a[i:], b[j:]
		di, dj, diagonal := r.forward()
		out = r.back(out, diagonal, int32(i), int32(j))
		i, j = i+di, j+dj
	}
	return out
}

// round is one greedy search. levels[d][k] is how far in a the way with d
// differences gets on the diagonal 2k-d, that is, where i-j is 2k-d; -1 if it
// leaves the grid. The next round uses them again.
type round struct {
	a, b   []int32
	budget *int
	levels [][]int32
	last   int // the level that it came to
}

// start returns where the way with d differences enters its k-th diagonal, and
// the number of the diagonal it comes from; i is -1 if it does not.
func (r *round) start(d, k int) (i int32, from int) {
	if d == 0 {
		return 0, 0
	}
	prev := r.levels[d-1]
	i = -1
	if k < d && prev[k] >= 0 && int(prev[k])-(2*k-d) <= len(r.b) { // b[j] came
		i, from = prev[k], k
	}
	if k > 0 && prev[k-1] >= 0 && int(prev[k-1]) < len(r.a) && prev[k-1]+1 > i { // a[i] went
		i, from = prev[k-1]+1, k-1
	}
	return int32(i), from
}

// forward searches until the end, the limit or the end of the budget. It returns
// the farthest point of the last level and its diagonal.
func (r *round) forward() (i, j, diagonal int) {
	for d := 0; ; d++ {
		if d == len(r.levels) {
			r.levels = append(r.levels, make([]int32, d+1))
		}
		level := r.levels[d]
		r.last = d
		far := -1
		for k := range level {
			start, _ := r.start(d, k)
			level[k] = start
			*r.budget--
			if start < 0 {
				continue
			}
			x := int(start)
			y := x - (2*k - d)
			for x < len(r.a) && y < len(r.b) && r.a[x] == r.b[y] {
				x, y = x+1, y+1
				*r.budget--
			}
			level[k] = int32(x)
			if x+y > far {
				far, i, j, diagonal = x+y, x, y, k
			}
		}
		if i == len(r.a) && j == len(r.b) || d >= roundLimit || *r.budget <= 0 {
			return i, j, diagonal
		}
	}
}

// back appends the matches on the way to the diagonal of the last level, moved by
// di and dj.
func (r *round) back(out []match, k int, di, dj int32) []match {
	base := len(out)
	for d := r.last; d >= 0; d-- {
		start, from := r.start(d, k)
		for i := r.levels[d][k] - 1; i >= start; i-- {
			out = append(out, match{i + di, i - int32(2*k-d) + dj})
		}
		k = from
	}
	slices.Reverse(out[base:])
	return out
}
