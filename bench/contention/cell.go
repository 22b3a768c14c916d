package main

import (
	"context"

	"github.com/zkstate/zkstate/bench/peers"
)

// The cells that ratios are made of.
const (
	floor64      = "bare client, 64 clients"
	goroutines64 = "zkstate, 64 goroutines"
	processes16  = "zkstate, 16 processes"
	zkstateAlone = "zkstate, alone"
)

// cell is one way to count, and what came of it, round by round.
type cell struct {
	name string
	peer string // whose it is, if not ours
	run  func(context.Context, place) (peers.Report, error)

	results []result
}

// result is one round's.
type result struct {
	peers.Report
	commits int64 // versions of the document
}

// ownCells need nothing but this program. latency is given each round's.
func ownCells(latency func(latencies)) []*cell {
	return []*cell{
		{name: "bare client, 1 client", run: floor(1)},
		{name: "bare client, 8 clients", run: floor(8)},
		{name: floor64, run: floor(64)},
		{name: goroutines64, run: goroutines(64)},
		{name: processes16, run: processes(16)},
		{name: zkstateAlone, run: alone(latency)},
	}
}

// rates are the rounds' acknowledgements per second.
func (c *cell) rates() []float64 {
	return c.each(func(r result) float64 { return r.Rate() })
}

// served are the rounds' ratios of the client that was served most to the one
// that was served least.
func (c *cell) served() []float64 {
	return c.each(func(r result) float64 { return spread(r.Each) })
}

func (c *cell) each(of func(result) float64) []float64 {
	all := make([]float64, len(c.results))
	for i, r := range c.results {
		all[i] = of(r)
	}
	return all
}

// sum is all rounds together.
func (c *cell) sum() (sum result) {
	for _, r := range c.results {
		sum.Acks += r.Acks
		sum.Unknown += r.Unknown
		sum.commits += r.commits
	}
	return sum
}
