package main

import (
	"fmt"

	"github.com/zkstate/zkstate/bench/figures"
)

// ratio is a number that matters.
type ratio struct {
	name    string
	target  string // empty: there is none
	missing string // why there is no number
	figures.Quotient
	met bool
}

const notRun = "did not run"

// ratios compares the cells. alone has the latencies.
func ratios(cells []*cell, alone []latencies) []ratio {
	best := bestOf(cells, curator)
	return []ratio{
		atLeast(100, goroutines64, "best "+curator, find(cells, goroutines64), best),
		atLeast(100, goroutines64, floor64, find(cells, goroutines64), find(cells, floor64)),
		atLeast(4, processes16, "best "+curator, find(cells, processes16), best),
		ceilingRatio(alone, best),
		servedRatio(2, find(cells, processes16)),
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

// bestOf returns a peer's fastest cell, or nil.
func bestOf(cells []*cell, peer string) (best *cell) {
	for _, c := range cells {
		if c.peer == peer && len(c.results) > 0 && (best == nil || figures.Median(c.rates()) > figures.Median(best.rates())) {
			best = c
		}
	}
	return best
}

// atLeast is the ratio of two cells' rates.
func atLeast(target float64, aboveName, belowName string, above, below *cell) ratio {
	r := ratio{name: aboveName + " / " + belowName, target: fmt.Sprintf(">= %g", target)}
	if above == nil || below == nil {
		r.missing = notRun
		return r
	}
	if belowName != below.name {
		r.name += " (" + below.name + ")"
	}
	r.Quotient = figures.Divide(above.rates(), below.rates())
	r.met = r.Value >= target
	return r
}

// servedRatio is how unequally a cell's clients were served.
func servedRatio(target float64, c *cell) ratio {
	r := ratio{name: processes16 + ": served most / least", target: fmt.Sprintf("<= %g", target)}
	if c == nil {
		r.missing = notRun
		return r
	}
	ones := make([]float64, len(c.results))
	for i := range ones {
		ones[i] = 1
	}
	r.Quotient = figures.Divide(c.served(), ones)
	r.met = r.Value <= target
	return r
}

// ceilingRatio is what the processes would be at if each of their updates cost no more
// than a bare Set: the next one begins where the last one ended.
func ceilingRatio(alone []latencies, best *cell) ratio {
	r := ratio{name: "one bare Set after another / best " + curator}
	if len(alone) == 0 || best == nil {
		r.missing = notRun
		return r
	}
	rates := make([]float64, len(alone))
	for i, l := range alone {
		rates[i] = 1 / l.set.Seconds()
	}
	r.Quotient = figures.Divide(rates, best.rates())
	return r
}

// aloneRatio is what Update costs on top of a Set when nobody else is there.
func aloneRatio(target float64, alone []latencies) ratio {
	r := ratio{name: zkstateAlone + ": Update / bare Set, median latency", target: fmt.Sprintf("<= %g", target)}
	if len(alone) == 0 {
		r.missing = notRun
		return r
	}
	var updates, sets []float64
	for _, l := range alone {
		updates = append(updates, l.update.Seconds())
		sets = append(sets, l.set.Seconds())
	}
	r.Quotient = figures.Divide(updates, sets)
	r.met = r.Value <= target
	return r
}
