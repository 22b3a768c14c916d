package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"time"

	"github.com/zkstate/zkstate/bench/figures"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// size is how large a document is, and what is asked of an Update of it.
type size struct {
	name  string
	bytes int
	goal  float64 // at most so many times decode + encode + Set; 0: none
}

var sizes = []size{{"1 KB", 1 << 10, 0}, {"64 KB", 64 << 10, 2.5}, {"900 KB", 900 << 10, 2.5}}

const (
	goroutines = 64
	sharedSize = 64 << 10
	sharedGoal = 120 // microseconds of CPU an update
)

// measure starts a server, gives everything its turns and prints what came of it.
func measure(ctx context.Context, cfg config, stdout io.Writer) error {
	server, err := zkserver.Start(zkserver.Config{
		TickTime:   2 * time.Second,
		JVMFlags:   []string{"-Xmx1g"},
		Properties: map[string]string{"forceSync": "no"},
	})
	if err != nil {
		return err
	}
	defer server.Close()
	if cfg.profile != "" {
		file, err := os.Create(cfg.profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	alone := make([]samples, len(sizes))
	var shared []float64
	for round := range cfg.rounds + 1 {
		for i, s := range sizes {
			got, err := takeTurns(ctx, server.Addr(), fmt.Sprintf("/alone-%d-%d", i, round), s.bytes, cfg.duration)
			if err != nil {
				return err
			}
			if round > 0 { // the first warms the server up
				alone[i].add(got)
			}
		}
		micros, err := together(ctx, server.Addr(), fmt.Sprintf("/shared-%d", round), cfg.duration)
		if err != nil {
			return err
		}
		if round > 0 {
			shared = append(shared, micros)
		}
	}
	rows := [][]string{{"one goroutine, p50 in us", "Update", "floor", "ratio", "min..max", "goal", "CPU us", "floor", "ratio"}}
	for i, s := range sizes {
		rows = append(rows, alone[i].row(s))
	}
	fmt.Fprintf(stdout, "The floor is json.Unmarshal, json.Marshal and a bare Set of the document. ZooKeeper (forceSync=no) on this machine; %d rounds of %v.\n\n%s\n",
		cfg.rounds, cfg.duration, figures.Grid(rows))
	_, err = fmt.Fprintf(stdout, "%d goroutines, 64 KB: %s us of CPU an update (goal: at most %d)\n", goroutines, figures.Number(figures.Median(shared)), sharedGoal)
	return err
}

// sample is what one round gave, in microseconds a call.
type sample struct{ update, floor, updateCPU, floorCPU float64 }

// samples are those of all rounds.
type samples struct{ update, floor, updateCPU, floorCPU []float64 }

func (s *samples) add(one sample) {
	s.update, s.floor = append(s.update, one.update), append(s.floor, one.floor)
	s.updateCPU, s.floorCPU = append(s.updateCPU, one.updateCPU), append(s.floorCPU, one.floorCPU)
}

func (s *samples) row(of size) []string {
	latency, cpu := figures.Divide(s.update, s.floor), figures.Divide(s.updateCPU, s.floorCPU)
	goal := "-"
	if of.goal > 0 {
		goal = fmt.Sprintf("<= %v", of.goal)
	}
	return []string{
		of.name, figures.Number(figures.Median(s.update)), figures.Number(figures.Median(s.floor)),
		figures.Number(latency.Value), figures.Between(latency.Low, latency.High), goal,
		figures.Number(figures.Median(s.updateCPU)), figures.Number(figures.Median(s.floorCPU)), figures.Number(cpu.Value),
	}
}
