package main

import (
	"context"
	"fmt"
	"os"

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

// The peers, as ratios name them.
const (
	curator = "Curator"
	kazoo   = "kazoo"
)

// peerThreads is how many threads the peers' programs have.
const peerThreads = 16

// peerCells are those of the peers that are installed, with their programs in dir.
// The notes tell which versions are, and why others are not.
func peerCells(ctx context.Context, dir string) (cells []*cell, notes []string, err error) {
	for _, p := range []struct {
		name  string
		find  func(context.Context, string) (*peers.Peer, error)
		modes [][2]string // the program's word, the recipe
	}{
		{curator, peers.Curator, [][2]string{{"value", "SharedValue"}, {"mutex", "InterProcessMutex"}}},
		{kazoo, peers.Kazoo, [][2]string{{"cas", "compare-and-set"}, {"lock", "Lock"}}},
	} {
		sub, err := os.MkdirTemp(dir, "")
		if err != nil {
			return nil, nil, err
		}
		found, err := p.find(ctx, sub)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s did not run: %v", p.name, err))
			continue
		}
		notes = append(notes, found.Name+" is installed")
		for _, mode := range p.modes {
			cells = append(cells, &cell{
				name: fmt.Sprintf("%s %s, %d threads", p.name, mode[1], peerThreads),
				peer: p.name,
				run: func(ctx context.Context, at place) (peers.Report, error) {
					return found.Count(ctx, mode[0], at.connect, peerThreads, at.duration, at.node())
				},
			})
		}
	}
	return cells, notes, nil
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
