// Command update measures what an Update costs beside decoding, encoding and a bare Set
// of the same document, by its size. See ../README.md.
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
		fmt.Fprintln(os.Stderr, "update:", err)
		os.Exit(1)
	}
}

// config is what the command line says.
type config struct {
	duration time.Duration
	rounds   int
	profile  string
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var cfg config
	flags := flag.NewFlagSet("update", flag.ContinueOnError)
	flags.DurationVar(&cfg.duration, "duration", 2*time.Second, "how long each measurement takes in each round")
	flags.IntVar(&cfg.rounds, "rounds", 5, "how often each has its turn")
	flags.StringVar(&cfg.profile, "profile", "", "write a CPU profile of all rounds to this `file`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || cfg.duration <= 0 || cfg.rounds <= 0 {
		return fmt.Errorf("-duration and -rounds must be positive, and nothing else is expected")
	}
	return measure(ctx, cfg, stdout)
}
