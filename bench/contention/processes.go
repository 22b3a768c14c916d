package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"github.com/zkstate/zkstate/bench/peers"
)

// processes have a State and a goroutine each. They are this program again, as
// workers; see worker.go.
func processes(n int) func(context.Context, place) (peers.Report, error) {
	return func(ctx context.Context, at place) (peers.Report, error) {
		released, release, err := os.Pipe()
		if err != nil {
			return peers.Report{}, err
		}
		defer released.Close()
		defer release.Close()
		ctx, cancel := context.WithCancel(ctx)
		var workers []*worker
		defer func() {
			cancel() // ends the workers, if it is not over
			for _, w := range workers {
				<-w.ended
			}
		}()
		for range n {
			w, err := startWorker(ctx, at, released)
			if err != nil {
				return peers.Report{}, err
			}
			workers = append(workers, w)
		}
		return race(workers, release)
	}
}

// race releases workers together, once all are ready, and waits for their reports.
func race(workers []*worker, release io.Writer) (peers.Report, error) {
	for _, w := range workers {
		if err := w.awaitReady(); err != nil {
			return peers.Report{}, err
		}
	}
	// One byte each, from the pipe that all read: one write releases all.
	if _, err := release.Write(make([]byte, len(workers))); err != nil {
		return peers.Report{}, err
	}
	reports := make([]peers.Report, len(workers))
	for i, w := range workers {
		var err error
		if reports[i], err = w.report(); err != nil {
			return peers.Report{}, err
		}
	}
	return together(reports), nil
}

// together is one report for clients that were released together.
func together(reports []peers.Report) peers.Report {
	var sum peers.Report
	for _, r := range reports {
		sum.Acks += r.Acks
		sum.Unknown += r.Unknown
		sum.Each = append(sum.Each, r.Acks)
		sum.Seconds = max(sum.Seconds, r.Seconds)
	}
	return sum
}

// worker is a process that counts.
type worker struct {
	lines  *lineWriter
	stderr bytes.Buffer // to be read when ended
	ended  chan struct{}
	err    error // set before ended
}

func startWorker(ctx context.Context, at place, released *os.File) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worker{lines: newLineWriter(), ended: make(chan struct{})}
	cmd := exec.CommandContext(ctx, self, slices.Concat([]string{workerArg}, at.args())...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = released, w.lines, &w.stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	go func() {
		w.err = errors.Join(cmd.Wait(), ctx.Err())
		close(w.ended)
	}()
	return w, nil
}

// awaitReady blocks until the worker waits for its release.
func (w *worker) awaitReady() error {
	select {
	case <-w.lines.first:
		return nil
	case <-w.ended:
		return w.failed(errors.New("ended before its release"))
	}
}

// report blocks until the worker has ended.
func (w *worker) report() (peers.Report, error) {
	<-w.ended
	if w.err != nil {
		return peers.Report{}, w.failed(w.err)
	}
	r, err := peers.ParseReport(w.lines.text())
	if err != nil {
		return peers.Report{}, w.failed(err)
	}
	return r, nil
}

func (w *worker) failed(err error) error {
	select {
	case <-w.ended:
		return fmt.Errorf("worker: %w\n%s", err, w.stderr.Bytes())
	default:
		return fmt.Errorf("worker: %w", err)
	}
}
