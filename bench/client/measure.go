package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	peer "github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/bench/figures"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// warmUp is how long the server is driven before it is measured: its code is
// compiled while it runs.
const warmUp = 5 * time.Second

// measure starts a server, gives each client its turns and prints what came of it.
func measure(ctx context.Context, cfg config, stdout, log io.Writer) error {
	// As in production, and unlike tests: the JVM compiles in full, ticks are long.
	server, err := zkserver.Start(zkserver.Config{
		TickTime:   2 * time.Second,
		JVMFlags:   []string{"-Xmx512m"},
		Properties: map[string]string{"forceSync": yesNo(cfg.fsync)},
	})
	if err != nil {
		return err
	}
	defer server.Close()
	if err := prepare(ctx, server.Addr()); err != nil {
		return err
	}
	r := results{}
	warm := task{Cell: setCell, Client: peerName, Addr: server.Addr(), Duration: min(2*cfg.duration, warmUp)}
	if _, err := start[rate](ctx, warm, log); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	for round := range cfg.rounds {
		fmt.Fprintf(log, "round %d of %d\n", round+1, cfg.rounds)
		dir := ""
		if round == cfg.rounds-1 {
			dir = cfg.profile
		}
		if err := r.round(ctx, round, task{Addr: server.Addr(), Duration: cfg.duration}, dir, log); err != nil {
			return err
		}
	}
	release, _, _ := strings.Cut(server.Version(), "-") // builds add what they like
	fmt.Fprintf(stdout, "\nA node of %d bytes, ZooKeeper %s (forceSync=%s) alone on this machine; %d rounds of %v.\n\n",
		dataSize, release, yesNo(cfg.fsync), cfg.rounds, cfg.duration)
	_, err = io.WriteString(stdout, r.table())
	return err
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// prepare makes the node.
func prepare(ctx context.Context, addr string) error {
	s, err := connectPeer(ctx, addr)
	if err != nil {
		return err
	}
	defer s.close()
	_, err = s.(theirs).conn.Create(node, content, 0, peer.WorldACL(peer.PermAll))
	return err
}

// results has the figures of each round, by measurement and client.
type results map[string]map[string][]float64

func (r results) add(what, client string, figure float64) {
	if r[what] == nil {
		r[what] = map[string][]float64{}
	}
	r[what][client] = append(r[what][client], figure)
}

// round gives each client one turn in each measurement; who is first changes.
func (r results) round(ctx context.Context, round int, t task, profiles string, log io.Writer) error {
	t.Cell = aloneCell
	medians, err := start[latencies](ctx, t, log)
	if err != nil {
		return err
	}
	for client, median := range medians {
		r.add(setAlone, client, float64(median.Nanoseconds())/1000)
	}
	order := []string{oursName, peerName, bareName}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	for _, client := range order {
		t.Client = client
		if err := r.loads(ctx, t, profiles, log); err != nil {
			return err
		}
		if client == bareName {
			continue
		}
		if err := r.memory(ctx, t, log); err != nil {
			return err
		}
	}
	return nil
}

func (r results) loads(ctx context.Context, t task, profiles string, log io.Writer) error {
	for _, cell := range []string{setCell, getCell} {
		t.Cell = cell
		t.Profile = profileOf(profiles, t)
		did, err := start[rate](ctx, t, log)
		if err != nil {
			return err
		}
		names := loadFigures[cell]
		r.add(names.throughput, t.Client, float64(did.Calls)/did.Seconds)
		r.add(names.perCPU, t.Client, float64(did.Calls)/did.CPU)
	}
	return nil
}

func (r results) memory(ctx context.Context, t task, log io.Writer) error {
	t.Cell = allocsCell
	each, err := start[allocs](ctx, t, log)
	if err != nil {
		return err
	}
	r.add(allocsOfGet, t.Client, each.Objects)
	r.add(bytesOfGet, t.Client, each.Bytes)
	t.Cell = heapCell
	held, err := start[float64](ctx, t, log)
	if err != nil {
		return err
	}
	r.add(heapOfSession, t.Client, held/1024)
	return nil
}

// table compares the clients.
func (r results) table() string {
	rows := [][]string{{"median of the rounds", oursName, peerName, bareName, "ratio", "min..max", "goal", "result"}}
	for _, g := range goals {
		ours, theirs := r[g.figure][oursName], r[g.figure][peerName]
		if len(ours) == 0 || len(theirs) == 0 {
			continue
		}
		q, floor := figures.Divide(ours, theirs), "-"
		if bare := r[g.figure][bareName]; len(bare) > 0 {
			floor = figures.Number(figures.Median(bare))
		}
		rows = append(rows, []string{
			g.figure, figures.Number(figures.Median(ours)), figures.Number(figures.Median(theirs)), floor,
			figures.Number(q.Value), figures.Between(q.Low, q.High), g.text(), g.verdict(q.Value),
		})
	}
	return figures.Grid(rows)
}
