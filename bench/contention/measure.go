package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/bench/peers"
	"github.com/zkstate/zkstate/internal/zkserver"
)

const (
	// patience is how long a cell may take beyond its duration.
	patience = time.Minute
	// warmUp bounds how long the server is driven before it is measured: its code
	// is compiled while it runs.
	warmUp = 10 * time.Second
)

// bench is one run: a server and what looks into it.
type bench struct {
	connect string
	control *zk.Conn
	log     io.Writer // progress
	cells   []*cell
	notes   []string
	alone   []latencies // a round each
}

// measure starts a server, gives every cell its turns and prints what came of it.
func measure(ctx context.Context, cfg config, stdout, log io.Writer) error {
	dir, err := os.MkdirTemp("", "contention-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{log: log}
	if err := b.choose(ctx, cfg, dir); err != nil {
		return err
	}
	// As in production, and unlike tests: the JVM compiles in full, ticks are long.
	server, err := zkserver.Start(zkserver.Config{TickTime: 2 * time.Second, JVMFlags: []string{"-Xmx512m"}})
	if err != nil {
		return err
	}
	defer server.Close()
	b.connect = server.Addr()
	if b.control, err = dial(ctx, b.connect); err != nil {
		return err
	}
	defer b.control.Close()
	if err := b.turns(ctx, cfg); err != nil {
		return err
	}
	release, _, _ := strings.Cut(server.Version(), "-") // builds add what they like
	fmt.Fprintf(stdout, "\nA counter in a document of %d bytes, ZooKeeper %s alone on this machine; %d rounds of %v.\n\n",
		documentSize, release, cfg.rounds, cfg.duration)
	return b.print(stdout)
}

// choose collects the cells that cfg wants and this machine can run.
func (b *bench) choose(ctx context.Context, cfg config, dir string) error {
	for _, c := range ownCells(func(l latencies) { b.alone = append(b.alone, l) }) {
		if cfg.only.MatchString(c.name) {
			b.cells = append(b.cells, c)
		}
	}
	others, notes, err := libraryCells(ctx, dir, cfg.only.MatchString)
	if err != nil {
		return err
	}
	b.cells, b.notes = append(b.cells, others...), notes
	if len(b.cells) == 0 {
		return fmt.Errorf("no cell matches %v", cfg.only)
	}
	return nil
}

// turns runs the rounds. Each begins with another cell, so that none always comes
// after the same work.
func (b *bench) turns(ctx context.Context, cfg config) error {
	warm := place{connect: b.connect, path: "/contention/warm", duration: min(2*cfg.duration, warmUp)}
	if _, err := b.turn(ctx, floor(8), warm); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	for round := range cfg.rounds {
		for i := range b.cells {
			c := b.cells[(i+round*len(b.cells)/cfg.rounds)%len(b.cells)]
			at := place{connect: b.connect, path: fmt.Sprintf("/contention/%d/%d", round, i), duration: cfg.duration}
			r, err := b.turn(ctx, c.run, at)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.results = append(c.results, r)
			fmt.Fprintf(b.log, "round %d of %d  %-40s %10.1f/s\n", round+1, cfg.rounds, c.name, r.Rate())
		}
	}
	return nil
}

// turn makes a document, lets it be counted in, and verifies the counter.
func (b *bench) turn(ctx context.Context, run func(context.Context, place) (peers.Report, error), at place) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, at.duration+patience)
	defer cancel()
	if err := create(b.control, at.node(), newDocument().encode()); err != nil {
		return result{}, err
	}
	r, err := run(ctx, at)
	if err != nil {
		return result{}, err
	}
	doc, stat, err := b.control.Get(at.node())
	if err != nil {
		return result{}, fmt.Errorf("get %s: %w", at.node(), err)
	}
	counter, err := counterOf(doc)
	if err != nil {
		return result{}, err
	}
	if err := r.Verify(counter); err != nil {
		return result{}, err
	}
	if r.Acks == 0 {
		return result{}, fmt.Errorf("nothing was acknowledged in %v", at.duration)
	}
	return result{Report: r, commits: int64(stat.Version)}, nil
}
