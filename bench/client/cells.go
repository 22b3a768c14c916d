package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/zkstate/zkstate/bench/figures"
)

// The measurements.
const (
	aloneCell  = "set-alone"
	setCell    = "set-64"
	getCell    = "get-64"
	allocsCell = "allocations"
	heapCell   = "heap"
)

const (
	goroutines = 64
	turn       = 16   // calls of one client before the other's turn
	reads      = 5000 // whose allocations are counted
	sessions   = 16   // whose memory is measured
)

// content is what is written.
var content = make([]byte, dataSize)

func write(ctx context.Context, s subject) error { return s.set(ctx, node, content) }

func read(ctx context.Context, s subject) error {
	data, err := s.get(ctx, node)
	if err == nil && len(data) != dataSize {
		err = fmt.Errorf("get %s: %d bytes", node, len(data))
	}
	return err
}

// latencies are the medians of a Set with nobody else there, in nanoseconds.
type latencies map[string]time.Duration // by client

// alone lets all clients set in turns, each with a session that is idle meanwhile.
func alone(ctx context.Context, t task) (latencies, error) {
	names := []string{oursName, peerName, bareName}
	took := map[string][]time.Duration{}
	clients := map[string]subject{}
	for _, name := range names {
		s, err := connect(ctx, name, t.Addr)
		if err != nil {
			return nil, err
		}
		defer s.close()
		clients[name] = s
	}
	for begun := time.Now(); time.Since(begun) < t.Duration; {
		for _, name := range names {
			for range turn {
				sent := time.Now()
				if err := write(ctx, clients[name]); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				took[name] = append(took[name], time.Since(sent))
			}
		}
	}
	medians := latencies{}
	for _, name := range names {
		medians[name] = figures.Median(took[name])
	}
	return medians, nil
}

// rate is what a loaded client did.
type rate struct {
	Calls   int64
	Seconds float64
	CPU     float64 // seconds of this process, user and system
}

// load has many goroutines call through one session, after a while of warming up. The bare socket has request instead.
func load(ctx context.Context, t task, call func(context.Context, subject) error, request []byte) (rate, error) {
	if t.Client == bareName {
		return pipelined(ctx, t, request)
	}
	s, err := connect(ctx, t.Client, t.Addr)
	if err != nil {
		return rate{}, err
	}
	defer s.close()
	if _, err := repeat(ctx, s, t.Duration/4, call); err != nil {
		return rate{}, err
	}
	cpu, begun := cpuTime(), time.Now()
	calls, err := repeat(ctx, s, t.Duration, call)
	return rate{calls, time.Since(begun).Seconds(), (cpuTime() - cpu).Seconds()}, err
}

func repeat(ctx context.Context, s subject, d time.Duration, call func(context.Context, subject) error) (int64, error) {
	var all sync.WaitGroup
	calls, errs := make([]int64, goroutines), make([]error, goroutines)
	begun := time.Now()
	for i := range goroutines {
		all.Go(func() {
			var n int64
			for errs[i] == nil && time.Since(begun) < d {
				errs[i] = call(ctx, s)
				n++
			}
			calls[i] = n
		})
	}
	all.Wait()
	var sum int64
	for _, n := range calls {
		sum += n
	}
	return sum, errors.Join(errs...)
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it only fails on wrong arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// allocs is what one Get allocates.
type allocs struct{ Objects, Bytes float64 }

func allocations(ctx context.Context, t task) (allocs, error) {
	s, err := connect(ctx, t.Client, t.Addr)
	if err != nil {
		return allocs{}, err
	}
	defer s.close()
	var before, after runtime.MemStats
	if err := readMany(ctx, s); err != nil { // fills pools and buffers
		return allocs{}, err
	}
	runtime.ReadMemStats(&before)
	if err := readMany(ctx, s); err != nil {
		return allocs{}, err
	}
	runtime.ReadMemStats(&after)
	return allocs{float64(after.Mallocs-before.Mallocs) / reads, float64(after.TotalAlloc-before.TotalAlloc) / reads}, nil
}

func readMany(ctx context.Context, s subject) error {
	for range reads {
		if err := read(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// heap is the memory that a session holds, with its goroutines' stacks, after it was used.
func heap(ctx context.Context, t task) (float64, error) {
	before := inUse()
	for range sessions {
		s, err := connect(ctx, t.Client, t.Addr)
		if err != nil {
			return 0, err
		}
		defer s.close()
		for range 100 {
			if err := read(ctx, s); err != nil {
				return 0, err
			}
		}
	}
	return (inUse() - before) / sessions, nil
}

func inUse() float64 {
	runtime.GC()
	runtime.GC() // what pools hold goes with the second one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc + stats.StackInuse)
}
