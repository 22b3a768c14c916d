package main

import "fmt"

// ratio is a number that matters.
type ratio struct {
	name    string
	target  string
	missing string // why there is no number
	quotient
	met bool
}

// ratios compares the cells. alone has the latencies.
func ratios(cells []*cell, alone []latencies) []ratio {
	best, noBest := bestOf(cells, curator)
	bare, shared, apart := find(cells, floor64), find(cells, goroutines64), find(cells, processes16)
	return []ratio{
		atLeast(100, shared, best, noBest),
		atLeast(100, shared, bare, floor64+" did not run"),
		atLeast(4, apart, best, noBest),
		servedRatio(2, apart),
		aloneRatio(1.5, alone),
	}
}

// find returns the cell of a name that has results, or nil.
func find(cells []*cell, name string) *cell {
	for _, c := range cells {
		if c.name == name && len(c.results) > 0 {
			return c
		}
	}
	return nil
}

// bestOf is a peer's fastest cell, or why there is none.
func bestOf(cells []*cell, peer string) (best *cell, none string) {
	for _, c := range cells {
		if c.peer == peer && len(c.results) > 0 && (best == nil || median(c.rates()) > median(best.rates())) {
			best = c
		}
	}
	return best, peer + " did not run"
}

// atLeast is the ratio of two rates.
func atLeast(target float64, above, below *cell, noBelow string) ratio {
	r := ratio{target: fmt.Sprintf(">= %g", target)}
	switch {
	case above == nil:
		r.name, r.missing = "zkstate", "it did not run"
		return r
	case below == nil:
		r.name, r.missing = above.name, noBelow
		return r
	}
	r.name = above.name + " / " + below.name
	r.quotient = divide(above.rates(), below.rates())
	r.met = r.value >= target
	return r
}

// servedRatio is how unequally a cell's clients were served.
func servedRatio(target float64, c *cell) ratio {
	r := ratio{name: processes16 + ": served most / least", target: fmt.Sprintf("<= %g", target)}
	if c == nil {
		r.missing = "it did not run"
		return r
	}
	ones := make([]float64, len(c.results))
	for i := range ones {
		ones[i] = 1
	}
	r.quotient = divide(c.served(), ones)
	r.met = r.value <= target
	return r
}

// aloneRatio is what Update costs on top of a Set when nobody else is there.
func aloneRatio(target float64, alone []latencies) ratio {
	r := ratio{name: zkstateAlone + ": Update / bare Set, median latency", target: fmt.Sprintf("<= %g", target)}
	if len(alone) == 0 {
		r.missing = "it did not run"
		return r
	}
	var updates, sets []float64
	for _, l := range alone {
		updates = append(updates, l.update.Seconds())
		sets = append(sets, l.set.Seconds())
	}
	r.quotient = divide(updates, sets)
	r.met = r.value <= target
	return r
}
