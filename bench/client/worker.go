package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// workerArg makes the program measure one thing in a process of its own, so that
// neither client pays for the other's memory or goroutines.
const workerArg = "worker"

// node is what all clients read and write; it has dataSize bytes.
const (
	node     = "/bench"
	dataSize = 256
)

// task is one measurement.
type task struct {
	Cell     string
	Client   string // empty where both are measured
	Addr     string
	Duration time.Duration
	Profile  string // file for a CPU profile, or empty
}

// cells are the measurements by name.
var cells = map[string]func(ctx context.Context, t task) (any, error){
	aloneCell:  func(ctx context.Context, t task) (any, error) { return alone(ctx, t) },
	setCell:    func(ctx context.Context, t task) (any, error) { return load(ctx, t, write, setFrame(node, content)) },
	getCell:    func(ctx context.Context, t task) (any, error) { return load(ctx, t, read, getFrame(node)) },
	allocsCell: func(ctx context.Context, t task) (any, error) { return allocations(ctx, t) },
	heapCell:   func(ctx context.Context, t task) (any, error) { return heap(ctx, t) },
}

// runWorker carries out the task in args, and prints its figures.
func runWorker(ctx context.Context, args []string, stdout io.Writer) error {
	var t task
	if len(args) != 1 {
		return fmt.Errorf("a worker has one argument")
	}
	if err := json.Unmarshal([]byte(args[0]), &t); err != nil {
		return err
	}
	cell, ok := cells[t.Cell]
	if !ok {
		return fmt.Errorf("there is no measurement %q", t.Cell)
	}
	if t.Profile != "" {
		file, err := os.Create(t.Profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	figures, err := cell(ctx, t)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(figures)
}

// start runs a task in a process of its own and returns its figures.
func start[T any](ctx context.Context, t task, stderr io.Writer) (figures T, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*t.Duration+time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return figures, err
	}
	arg, err := json.Marshal(t)
	if err != nil {
		return figures, err
	}
	cmd := exec.CommandContext(ctx, self, workerArg, string(arg))
	cmd.Stderr = stderr
	out, err := cmd.Output()
	if err != nil {
		return figures, fmt.Errorf("%s of %s: %w", t.Cell, t.Client, err)
	}
	return figures, json.Unmarshal(out, &figures)
}

func profileOf(dir string, t task) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, t.Client+"-"+t.Cell+".pprof")
}
