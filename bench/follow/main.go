// Command follow measures how soon a State sees a change that another client made, beside
// a bare loop of Get with a watch and json.Unmarshal. See ../README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "follow:", err)
		os.Exit(1)
	}
}

// config is what the command line says.
type config struct {
	changes int // of each in each round
	rounds  int
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var cfg config
	flags := flag.NewFlagSet("follow", flag.ContinueOnError)
	flags.IntVar(&cfg.changes, "changes", 100, "how many changes each follows in each round")
	flags.IntVar(&cfg.rounds, "rounds", 5, "how often each has its turn")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || cfg.changes <= 0 || cfg.rounds <= 0 {
		return fmt.Errorf("-changes and -rounds must be positive, and nothing else is expected")
	}
	return measure(ctx, cfg, stdout)
}

// cell is one line of the table.
type cell struct {
	name  string
	bytes int
	every time.Duration // between changes
	burst int           // so many changes at once go before
	goal  float64
}

var cells = []cell{
	{"1 KB, each 20 ms", 1 << 10, 20 * time.Millisecond, 0, 1.2},
	{"1 KB, each 20 ms, after a burst", 1 << 10, 20 * time.Millisecond, 100, 1.2},
	{"1 KB, each 50 ms, after a burst", 1 << 10, 50 * time.Millisecond, 100, 1.2},
	{"64 KB, each 50 ms", 64 << 10, 50 * time.Millisecond, 0, 1.3},
	{"1 MB, each 200 ms", 960 << 10, 200 * time.Millisecond, 0, 1.3},
}
