// Command contention measures how fast a counter in a 1 KB document goes up when
// many want to increment it: with zkstate, with a bare ZooKeeper client, and with
// other libraries' recipes, on one ZooKeeper, in turns. See ../README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 if everything was measured and every counter was
// right, whatever the rates; 1 if not; 2 for wrong arguments.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == workerArg {
		if err := runWorker(ctx, args[1:], stdin, stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		return 0
	}
	cfg, err := parseConfig(args, stderr)
	if err != nil {
		return 2
	}
	if err := measure(ctx, cfg, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "contention:", err)
		return 1
	}
	return 0
}

// config is what the command line says.
type config struct {
	duration time.Duration // of each cell in each round
	rounds   int
	only     *regexp.Regexp // matches the names of the cells to run
}

func parseConfig(args []string, stderr io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("contention", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&cfg.duration, "duration", 5*time.Second, "how long each cell counts in each round")
	flags.IntVar(&cfg.rounds, "rounds", 3, "how often each cell has its turn")
	only := flags.String("run", "", "run only the cells whose names match this `regexp`")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	var err error
	cfg.only, err = regexp.Compile(*only)
	switch {
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case cfg.duration <= 0 || cfg.rounds <= 0:
		err = fmt.Errorf("-duration and -rounds must be positive")
	}
	if err != nil {
		fmt.Fprintln(stderr, "contention:", err)
	}
	return cfg, err
}
