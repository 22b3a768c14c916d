package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/bench/figures"
	"github.com/zkstate/zkstate/bench/peers"
)

// turn is how many calls are made of one kind before the other's turn. What an
// Update leaves behind (the State's own look at the news) then falls on few of the
// bare calls, and on no median.
const turn = 16

// latencies are the medians of one round.
type latencies struct{ update, set time.Duration }

// alone measures Update against a bare Set of the same bytes, in turns, with
// nobody else there. The increments are Update's; told is given the medians.
func alone(told func(latencies)) func(context.Context, place) (peers.Report, error) {
	return func(ctx context.Context, at place) (_ peers.Report, err error) {
		conn, err := dial(ctx, at.connect)
		if err != nil {
			return peers.Report{}, err
		}
		defer conn.Close()
		st, err := open(ctx, at)
		if err != nil {
			return peers.Report{}, err
		}
		defer func() { err = errors.Join(err, st.close()) }()
		bare := at.path + "-bare"
		if err := create(conn, bare, newDocument().encode()); err != nil {
			return peers.Report{}, err
		}
		r, measured, err := takeTurns(ctx, at.duration, st, conn, bare)
		if err == nil {
			told(measured)
		}
		return r, err
	}
}

// takeTurns calls both, in turns, for d.
func takeTurns(ctx context.Context, d time.Duration, st *shared, conn *zk.Conn, bare string) (peers.Report, latencies, error) {
	var mine count
	var updates, sets []time.Duration
	var updating time.Duration // all updates together: the time that they are a rate of
	start := time.Now()
	for time.Since(start) < d {
		for range turn {
			sent := time.Now()
			result, err := st.increment(ctx)
			if err != nil {
				return peers.Report{}, latencies{}, err
			}
			took := time.Since(sent)
			updating += took
			updates = append(updates, took)
			mine.add(result, start)
		}
		doc, err := st.Snapshot()
		if err != nil {
			return peers.Report{}, latencies{}, err
		}
		data := doc.Value.encode()
		for range turn {
			sent := time.Now()
			if _, err := conn.Set(bare, data, -1); err != nil {
				return peers.Report{}, latencies{}, fmt.Errorf("set %s: %w", bare, err)
			}
			sets = append(sets, time.Since(sent))
		}
	}
	r := total([]count{mine}, d)
	r.Seconds = updating.Seconds()
	return r, latencies{update: figures.Median(updates), set: figures.Median(sets)}, nil
}
