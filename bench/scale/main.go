// Command scale measures what many documents and many instances cost. See ../README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
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
	if len(args) == 1 && args[0] == workerArg {
		work(os.Stdin, stdout)
		return 0
	}
	cfg, err := parseConfig(args, stderr)
	if err != nil {
		return 2
	}
	if err := measure(ctx, cfg, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return 1
	}
	return 0
}

// The stores.
const (
	zooKeeper = "zk"
	sqlite    = "sqlite"
)

// config is what the command line says.
type config struct {
	states    counts // how many States one handle has
	instances counts // how many handles follow one document
	followed  counts // how many other documents a process follows in an SQLite file
	stores    []string
	window    time.Duration // how long rates are measured
	rounds    int           // changes of which the median is taken
}

func parseConfig(args []string, stderr io.Writer) (config, error) {
	cfg := config{states: counts{100, 1000, 10000}, instances: counts{10, 100, 1000}, followed: counts{0, 1000}}
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Var(&cfg.states, "states", "how many States one handle has")
	flags.Var(&cfg.instances, "instances", "how many instances, each with a handle of its own, follow one document")
	flags.Var(&cfg.followed, "followed", "how many other documents a process follows in an SQLite file")
	stores := flags.String("store", zooKeeper+","+sqlite, "the stores")
	flags.DurationVar(&cfg.window, "window", 20*time.Second, "how long rates are measured")
	flags.IntVar(&cfg.rounds, "rounds", 15, "the number of changes of which the median is taken")
	quick := flags.Bool("quick", false, "100 and 1,000 States, 10 and 100 instances, 5 rounds, rates over 5 seconds")
	err := flags.Parse(args)
	if err != nil {
		return cfg, err
	}
	if *quick {
		cfg.states, cfg.instances, cfg.window, cfg.rounds = counts{100, 1000}, counts{10, 100}, 5*time.Second, 5
	}
	cfg.stores = strings.Split(*stores, ",")
	if err := cfg.check(flags.NArg()); err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return cfg, err
	}
	return cfg, nil
}

func (c config) check(rest int) error {
	if rest > 0 || c.window <= 0 || c.rounds <= 0 {
		return errors.New("-window and -rounds must be positive, and nothing else is expected")
	}
	if slices.Contains(c.states, 0) || slices.Contains(c.instances, 0) {
		return errors.New("-states and -instances must be positive")
	}
	for _, name := range c.stores {
		if name != zooKeeper && name != sqlite {
			return fmt.Errorf("-store %q: it is %s, %s or both", name, zooKeeper, sqlite)
		}
	}
	return nil
}

// counts is a flag: whole numbers in ascending order, or nothing.
type counts []int

// String returns the numbers with commas between them.
func (c *counts) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*c)), " ", ","), "[]")
}

// Set replaces the numbers.
func (c *counts) Set(text string) error {
	*c = nil
	if text == "" {
		return nil
	}
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 0 || len(*c) > 0 && n <= (*c)[len(*c)-1] {
			return errors.New("numbers in ascending order, with commas between them, are expected")
		}
		*c = append(*c, n)
	}
	return nil
}
