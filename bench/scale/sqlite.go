package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/zkstate/zkstate/bench/figures"
)

// Figures of SQLite alone.
var (
	insertTime    = &figure{"  bare inserts, s", nil}
	followedSeen  = &figure{"seen by another process after, ms", nil}
	followedRatio = &figure{"  over that of the first column", atMost(1.5)}
	followedMost  = &figure{"  99 of 100, ms", nil}
	followedWrite = &figure{"  of it the Update itself, ms", nil}
	followedCPU   = &figure{"  CPU of who follows, %", nil}
	followedIdle  = &figure{"idle: CPU of who follows, %", nil}
)

// commitEvery is the pace of the process that writes into an SQLite file.
const commitEvery = 25 * time.Millisecond

// files is where SQLite files are, and what is measured on them.
type files struct {
	dir string
	cfg config
	log io.Writer
}

func measureSQLite(ctx context.Context, cfg config, stdout, log io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "scale")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f := files{dir, cfg, log}
	for _, part := range []struct {
		title   string
		sizes   []int
		measure func(context.Context, *sheet, int) error
	}{
		{"SQLite: States on one handle", cfg.states, f.states},
		{"SQLite: other documents that a process follows", cfg.followed, f.follow},
		{"SQLite: instances with a handle each, that follow one document", cfg.instances, f.instances},
	} {
		s := newSheet(part.title, part.sizes)
		for _, n := range part.sizes {
			fmt.Fprintf(log, "%s: %d\n", part.title, n)
			if err := part.measure(ctx, s, n); err != nil {
				return err
			}
		}
		if len(part.sizes) > 0 {
			if err := s.print(stdout); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f files) file(kind string, n int) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s-%d.db", kind, n))
}

// with runs a part with a worker of its own.
func (f files) with(do func(*process) error) error {
	worker, err := startWorker(f.log)
	if err != nil {
		return err
	}
	return errors.Join(do(worker), worker.stop())
}

func (f files) states(ctx context.Context, s *sheet, n int) error {
	var bare time.Duration
	if err := f.with(func(p *process) (err error) {
		bare, err = ask[time.Duration](ctx, p, "Inserts", Place{Addr: f.file("bare", n), Path: "/states", N: n})
		return err
	}); err != nil {
		return err
	}
	return f.with(func(p *process) error {
		if _, err := ask[time.Duration](ctx, p, "Connect", Connection{"sqlite:" + f.file("states", n), 1}); err != nil {
			return err
		}
		used, err := ask[Usage](ctx, p, "Usage", true)
		if err != nil {
			return err
		}
		took, err := ask[time.Duration](ctx, p, "Open", Documents{"/states", n})
		if err != nil {
			return err
		}
		s.put(openTime, n, took.Seconds())
		s.put(insertTime, n, bare.Seconds())
		s.put(openRatio, n, took.Seconds()/bare.Seconds())
		uses, err := ask[Usage](ctx, p, "Usage", true)
		if err != nil {
			return err
		}
		s.put(stateHeap, n, (uses.Heap-used.Heap)/float64(n)/1024)
		s.put(stateGoroutines, n, float64(uses.Goroutines-used.Goroutines)/float64(n))
		if err := pause(ctx, f.cfg.window/2); err != nil {
			return err
		}
		var none *bed
		r, err := none.over(ctx, p, f.cfg.window, nil)
		s.put(idleCPU, n, r.cpu)
		return err
	})
}

// follow has one process write a document and another follow it, with n others.
func (f files) follow(ctx context.Context, s *sheet, n int) error {
	return f.with(func(follower *process) error {
		return f.with(func(writer *process) error { return f.followed(ctx, s, n, follower, writer) })
	})
}

func (f files) followed(ctx context.Context, s *sheet, n int, follower, writer *process) error {
	for _, p := range []*process{follower, writer} {
		if _, err := ask[time.Duration](ctx, p, "Connect", Connection{"sqlite:" + f.file("followed", n), 1}); err != nil {
			return err
		}
		if _, err := ask[time.Duration](ctx, p, "Open", Documents{"/written", 1}); err != nil {
			return err
		}
	}
	if err := tell(ctx, follower, "Listen", 1); err != nil {
		return err
	}
	if _, err := ask[time.Duration](ctx, follower, "Open", Documents{"/others", n}); err != nil {
		return err
	}
	if err := pause(ctx, f.cfg.window/2); err != nil {
		return err
	}
	var none *bed
	still, err := none.over(ctx, follower, f.cfg.window, nil)
	if err != nil {
		return err
	}
	var writes []Write
	busy, err := none.over(ctx, follower, f.cfg.window, func(ctx context.Context) (err error) {
		writes, err = ask[[]Write](ctx, writer, "Write", Pace{commitEvery, int(f.cfg.window / commitEvery)})
		return err
	})
	if err != nil {
		return err
	}
	arrivals, err := ask[map[int64]int64](ctx, follower, "Arrivals", struct{}{})
	if err != nil {
		return err
	}
	seen, took := delays(writes, arrivals)
	s.put(followedSeen, n, figures.Median(milliseconds(seen)))
	s.put(followedRatio, n, s.get(followedSeen, n)/s.get(followedSeen, s.sizes[0]))
	s.put(followedMost, n, percentile(milliseconds(seen), 99))
	s.put(followedWrite, n, figures.Median(milliseconds(took)))
	s.put(followedCPU, n, busy.cpu)
	s.put(followedIdle, n, still.cpu)
	return nil
}

// delays are how long after its Update began each commit was seen, and how long the Update took.
func delays(writes []Write, arrivals map[int64]int64) (seen, took []time.Duration) {
	for _, write := range writes {
		took = append(took, write.Took)
		if at, ok := arrivals[write.Value]; ok {
			seen = append(seen, time.Duration(at-write.Begun))
		} else {
			seen = append(seen, never)
		}
	}
	return seen, took
}

// percentile is the smallest value that p percent of them do not exceed; NaN of none.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)*p+99)/100-1]
}

func (f files) instances(ctx context.Context, s *sheet, n int) error {
	return f.with(func(p *process) error {
		m := manyInstances{cfg: f.cfg, sheet: s, n: n, worker: p}
		file := f.file("instances", n)
		if err := m.attach(ctx, "sqlite:"+file, "/instances"); err != nil {
			return err
		}
		if err := tell(ctx, p, "UpdateBy", Place{Addr: file, Path: paths("/instances", 1)[0]}); err != nil {
			return err
		}
		if _, err := m.changes(ctx, p, nil); err != nil {
			return err
		}
		if _, err := m.idle(ctx); err != nil {
			return err
		}
		return m.applied(ctx, nil, 0)
	})
}
