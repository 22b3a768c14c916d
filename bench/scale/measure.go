package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// sessions is how many handles the memory of one is taken from.
const sessions = 16

// measure prints the tables as they come.
func measure(ctx context.Context, cfg config, stdout, log io.Writer) error {
	if slices.Contains(cfg.stores, zooKeeper) {
		if err := measureZooKeeper(ctx, cfg, stdout, log); err != nil {
			return err
		}
	}
	if slices.Contains(cfg.stores, sqlite) {
		return measureSQLite(ctx, cfg, stdout, log)
	}
	return nil
}

func measureZooKeeper(ctx context.Context, cfg config, stdout, log io.Writer) (err error) {
	b, err := newBed(log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	release, _, _ := strings.Cut(b.server.Version(), "-") // builds add what they like
	fmt.Fprintf(stdout, "\nDocuments of %d bytes; ZooKeeper %s (forceSync=no) and its clients on this machine; rates over %v.\n",
		len(encoded(0)), release, cfg.window)
	if len(cfg.states) > 0 {
		if err := b.warmUp(ctx, min(3000, 10*slices.Max(cfg.states))); err != nil {
			return err
		}
		if err := b.allStates(ctx, cfg, stdout); err != nil {
			return err
		}
	}
	if len(cfg.instances) == 0 {
		return nil
	}
	s := newSheet("ZooKeeper: instances with a session each, that follow one document", cfg.instances)
	for _, n := range cfg.instances {
		fmt.Fprintf(log, "%d instances\n", n)
		if err := b.measureInstances(ctx, cfg, s, n); err != nil {
			return err
		}
	}
	return s.print(stdout)
}

// allStates measures one State first, for what a change costs where the document is alone.
func (b *bed) allStates(ctx context.Context, cfg config, stdout io.Writer) error {
	sizes := cfg.states
	if sizes[0] != 1 {
		sizes = append(counts{1}, sizes...)
	}
	s := newSheet("ZooKeeper: States on one handle", sizes)
	for _, n := range sizes {
		fmt.Fprintf(b.log, "%d States\n", n)
		if err := b.measureStates(ctx, cfg, s, n); err != nil {
			return err
		}
	}
	heap, err := heapOfSession(ctx, "zk://"+b.server.Addr(), b.log)
	if err != nil {
		return err
	}
	s.put(sessionHeap, sizes[len(sizes)-1], heap)
	return s.print(stdout)
}

// heapOfSession is that of a handle without a State, in KiB.
func heapOfSession(ctx context.Context, url string, log io.Writer) (float64, error) {
	worker, err := startWorker(log)
	if err != nil {
		return 0, err
	}
	before, err := ask[Usage](ctx, worker, "Usage", true)
	if err != nil {
		return 0, errors.Join(err, worker.stop())
	}
	_, err = ask[time.Duration](ctx, worker, "Connect", Connection{url, sessions})
	if err != nil {
		return 0, errors.Join(err, worker.stop())
	}
	after, err := ask[Usage](ctx, worker, "Usage", true)
	return (after.Heap - before.Heap) / sessions / 1024, errors.Join(err, worker.stop())
}

// changes makes changes at their pace for a while, whether or not they are seen in time.
func changes(ctx context.Context, worker *process, window time.Duration) error {
	return tell(ctx, worker, "Changes", Pace{changeEvery, int(window / changeEvery)})
}
