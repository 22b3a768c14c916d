// Command serve measures how soon all clients of the HTTP server's event streams have a
// change, beside a bare fan-out of server-sent events. See ../README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/zkstate/zkstate/bench/figures"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// cell is one line of the table.
type cell struct {
	clients int
	stalled int // more clients, which read nothing after the first event
	bytes   int // of a change
	goal    string
}

var cells = []cell{{500, 0, 100, "<= 1.5"}, {50, 0, 64 << 10, "-"}, {50, 10, 64 << 10, "-"}}

func (c cell) String() string {
	name := fmt.Sprintf("%d clients, %d bytes", c.clients, c.bytes)
	if c.stalled > 0 {
		name += fmt.Sprintf(", %d do not read", c.stalled)
	}
	return name
}

// every is the time between two changes.
const every = 100 * time.Millisecond

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	changes := flags.Int("changes", 100, "how many changes there are in each round")
	rounds := flags.Int("rounds", 3, "how often each has its turn")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *changes <= 0 || *rounds <= 0 {
		return fmt.Errorf("-changes and -rounds must be positive, and nothing else is expected")
	}
	rows := [][]string{{"ms until all have it", "server", "bare fan-out", "ratio", "min..max", "goal", "heap in MB"}}
	for _, c := range cells {
		var ours, bare []float64
		var heap uint64
		for range *rounds {
			b, err := c.measure(ctx, *changes, startBare)
			if err != nil {
				return err
			}
			a, err := c.measure(ctx, *changes, startServer)
			if err != nil {
				return err
			}
			ours, bare, heap = append(ours, a.median), append(bare, b.median), max(heap, a.heap)
		}
		q := figures.Divide(ours, bare)
		rows = append(rows, []string{
			c.String(), figures.Number(figures.Median(ours)), figures.Number(figures.Median(bare)),
			figures.Number(q.Value), figures.Between(q.Low, q.High), c.goal, figures.Number(float64(heap) / (1 << 20)),
		})
	}
	_, err := fmt.Fprintf(stdout, "From before a commit in memory until every client that reads has the change, and from before a broadcast for the bare fan-out;\nmedians of %d rounds of %d changes, one each %v. Heap: what the process had more at the end of a round than before it, clients included.\n\n%s",
		*rounds, *changes, every, figures.Grid(rows))
	return err
}

// heap is what is in use, after what is not was collected.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
