// One goroutine, for long: see the Makefile.

//go:build !race

package diff

import (
	"math/rand/v2"
	"testing"
)

// TestStepsAreBounded: two lists of 100,000 elements that few numbers recur in, which
// is what takes steps. Whatever the lists are, no more are taken than the budget has,
// but for the way to the end of what is equal.
func TestStepsAreBounded(t *testing.T) {
	const n = 100_000
	random := rand.New(rand.NewPCG(1, 2))
	for _, letters := range []int{1, 2, 5, 100} {
		a, b := make([]int32, n), make([]int32, n)
		for i := range n {
			a[i], b[i] = random.Int32N(int32(letters)), random.Int32N(int32(letters))
		}
		for _, budget := range []int{0, 1 << 10, alignBudget} {
			left := budget
			matches := longestCommon(a, b, letters, &left)
			if used := budget - left; used > budget+2*n+roundLimit {
				t.Errorf("%d letters: %d steps of %d", letters, used, budget)
			}
			last := match{-1, -1}
			for _, m := range matches {
				if m.i <= last.i || m.j <= last.j || a[m.i] != b[m.j] {
					t.Fatalf("%d letters: %v follows %v", letters, m, last)
				}
				last = m
			}
		}
	}
}
