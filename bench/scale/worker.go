package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/rpc"
	"net/rpc/jsonrpc"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

// workerArg makes the program a worker: a process that is measured, so that neither the
// measuring nor another worker is part of what it uses.
const workerArg = "worker"

// parallel is how many documents a worker opens, closes, deletes or creates at once.
const parallel = 64

// patience bounds every wait for something that has to happen.
const patience = time.Minute

// never is how long something took that did not happen within patience.
const never = time.Duration(math.MaxInt64)

// Worker has the methods that the measuring process calls, one at a time.
type Worker struct {
	handles []store.Store
	states  []*zkstate.State[document]
	seen    *arrivals                          // of the States or the bare loops
	set     func(context.Context, int64) error // a change by somebody else
	value   int64                              // that was set last
	closers []func()
}

// work serves calls until stdin ends.
func work(stdin io.ReadCloser, stdout io.Writer) {
	w := &Worker{}
	server := rpc.NewServer()
	if err := server.Register(w); err != nil {
		panic(err) // the methods are as they must be, or no test would pass
	}
	server.ServeCodec(jsonrpc.NewServerCodec(pipes{stdin, stdout}))
	w.end()
}

// pipes are one connection.
type pipes struct {
	io.ReadCloser
	io.Writer
}

func (w *Worker) end() {
	each(len(w.states), func(i int) error { return w.states[i].Close() })
	each(len(w.handles), func(i int) error { return w.handles[i].Close() })
	each(len(w.closers), func(i int) error { w.closers[i](); return nil })
}

// each calls fn for 0 to n-1, some at once, and returns the first few errors.
func each(n int, fn func(i int) error) error {
	var all sync.WaitGroup
	errs := make([]error, min(n, parallel))
	for first := range errs {
		all.Go(func() {
			for i := first; i < n && errs[first] == nil; i += parallel {
				errs[first] = fn(i)
			}
		})
	}
	all.Wait()
	var some []error
	for _, err := range errs {
		if err != nil && len(some) < 3 {
			some = append(some, err)
		}
	}
	return errors.Join(some...)
}

// Usage is what a process has used and uses.
type Usage struct {
	CPU        time.Duration // user and system
	Heap       float64       // bytes, after garbage collection
	Goroutines int
}

// Usage tells what this process uses. CPU is taken before the garbage collection if from is
// false, else after it, so that none is in what passes between two calls.
func (w *Worker) Usage(from bool, usage *Usage) error {
	var err error
	if !from {
		usage.CPU, err = cpuTime()
	}
	runtime.GC()
	runtime.GC() // what pools hold goes with the second one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	usage.Heap, usage.Goroutines = float64(stats.HeapAlloc), runtime.NumGoroutine()
	if from {
		usage.CPU, err = cpuTime()
	}
	return err
}

func cpuTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// Change sets a value, as somebody else would, and tells how long it took until all followers
// have seen it.
func (w *Worker) Change(_ struct{}, took *time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.value++
	*took, err = w.seen.change(ctx, w.set, w.value)
	return err
}

// Arrivals tells when each value was seen first, in nanoseconds since 1970.
func (w *Worker) Arrivals(_ struct{}, at *map[int64]int64) error {
	*at = map[int64]int64{}
	for value, when := range w.seen.times() {
		(*at)[value] = when.UnixNano()
	}
	return nil
}

// Changes sets values at a pace, as somebody else would, and does not wait until they are seen.
func (w *Worker) Changes(pace Pace, _ *struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience+time.Duration(pace.Times)*pace.Every)
	defer cancel()
	ticker := time.NewTicker(pace.Every)
	defer ticker.Stop()
	for range pace.Times {
		<-ticker.C
		w.value++
		if err := w.set(ctx, w.value); err != nil {
			return err
		}
	}
	return nil
}
