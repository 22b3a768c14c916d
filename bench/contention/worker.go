package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// workerArg is the first argument of a worker. The others are its place's.
const workerArg = "worker"

// runWorker opens the State, says that it is ready, waits for one byte, counts for
// the place's duration and prints its report. It ends without counting if the
// byte does not come: whoever started it is gone.
func runWorker(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	at, err := parsePlace(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, at.duration+patience)
	defer cancel()
	st, err := open(ctx, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	fmt.Fprintln(out, "ready")
	if _, err := io.ReadFull(in, make([]byte, 1)); err != nil {
		return fmt.Errorf("no release: %w", err)
	}
	r, err := drive(ctx, 1, at.duration, func(ctx context.Context, _ int) (outcome, error) {
		return st.increment(ctx)
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// place is where and how long a cell counts.
type place struct {
	connect  string // host:port
	path     string // of the document, as zkstate names it
	duration time.Duration
}

// node is the znode that holds the document.
func (p place) node() string { return p.path + "/payload" }

func (p place) args() []string { return []string{p.connect, p.path, p.duration.String()} }

func parsePlace(args []string) (place, error) {
	if len(args) != 3 {
		return place{}, fmt.Errorf("%d arguments, not CONNECT PATH DURATION", len(args))
	}
	d, err := time.ParseDuration(args[2])
	return place{connect: args[0], path: args[1], duration: d}, err
}
