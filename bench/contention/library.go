package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/zkstate/zkstate/bench/peers"
)

// The peers, as ratios name them.
const (
	curator = "Curator"
	kazoo   = "kazoo"
)

// libraryThreads is how many threads the peers' programs have.
const libraryThreads = 16

// library is a peer that may be installed.
type library struct {
	name  string
	find  func(ctx context.Context, dir string) (*peers.Peer, error)
	modes []mode
}

// mode is the program's word for a recipe.
type mode struct{ word, recipe string }

func libraries() []library {
	return []library{
		{curator, peers.Curator, []mode{{"value", "SharedValue"}, {"mutex", "InterProcessMutex"}}},
		{kazoo, peers.Kazoo, []mode{{"cas", "compare-and-set"}, {"lock", "Lock"}}},
	}
}

// libraryCells are those of the peers that are installed, with their programs in
// dir, as far as they are wanted. The notes tell which run, and why others do not.
func libraryCells(ctx context.Context, dir string, wanted func(name string) bool) (cells []*cell, notes []string, err error) {
	for _, l := range libraries() {
		l.modes = slices.DeleteFunc(l.modes, func(m mode) bool { return !wanted(l.cellName(m)) })
		if len(l.modes) == 0 {
			continue
		}
		sub, err := os.MkdirTemp(dir, "")
		if err != nil {
			return nil, nil, err
		}
		found, err := l.find(ctx, sub)
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case err != nil:
			notes = append(notes, fmt.Sprintf("did not run: %v", err))
		default:
			notes = append(notes, "ran: "+found.Name)
			cells = append(cells, l.cells(found)...)
		}
	}
	return cells, notes, nil
}

func (l library) cells(found *peers.Peer) []*cell {
	var all []*cell
	for _, m := range l.modes {
		all = append(all, &cell{name: l.cellName(m), peer: l.name, run: func(ctx context.Context, at place) (peers.Report, error) {
			return found.Count(ctx, m.word, at.connect, libraryThreads, at.duration, at.node())
		}})
	}
	return all
}

func (l library) cellName(m mode) string {
	return fmt.Sprintf("%s %s, %d threads", l.name, m.recipe, libraryThreads)
}
