// Command client measures zkstate's ZooKeeper client beside github.com/go-zookeeper/zk,
// in turns on one server. See ../README.md.
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
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 if everything was measured, whatever the figures; 1
// if not; 2 for wrong arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == workerArg {
		if err := runWorker(ctx, args[1:], stdout); err != nil {
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
		fmt.Fprintln(stderr, "client:", err)
		return 1
	}
	return 0
}

// config is what the command line says.
type config struct {
	duration time.Duration // of each measurement in each round
	rounds   int
	fsync    bool   // whether the server waits for its disk
	profile  string // directory for CPU profiles, or empty
}

func parseConfig(args []string, stderr io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&cfg.duration, "duration", 3*time.Second, "how long each measurement takes in each round")
	flags.IntVar(&cfg.rounds, "rounds", 5, "how often each client has its turn")
	flags.BoolVar(&cfg.fsync, "fsync", false, "let the server wait for its disk before it answers a Set")
	flags.StringVar(&cfg.profile, "profile", "", "write CPU profiles of the last round into this `directory`")
	err := flags.Parse(args)
	if err == nil && (flags.NArg() > 0 || cfg.duration <= 0 || cfg.rounds <= 0) {
		err = fmt.Errorf("-duration and -rounds must be positive, and nothing else is expected")
		fmt.Fprintln(stderr, "client:", err)
	}
	return cfg, err
}
