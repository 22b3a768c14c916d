package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/bench/peers"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestMain lets the test's binary be its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerArg {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestEverything runs every cell that this machine can run, briefly: the counters
// must be right, the rates may be anything.
func TestEverything(t *testing.T) {
	zkserver.Require(t)
	var out, log strings.Builder
	if code := run(t.Context(), []string{"-duration", "200ms", "-rounds", "2"}, nil, &out, &log); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, log.String(), out.String())
	}
	for _, want := range []string{floor64, goroutines64, processes16, zkstateAlone, "served most / least", curator, kazoo} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing about %s", want)
		}
	}
	t.Logf("%s%s", log.String(), out.String())
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-duration", "-1s"}, {"-run", "("}, {"more"}, {"-unknown"}} {
		if code := run(t.Context(), args, nil, io.Discard, io.Discard); code != 2 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
	if code := run(t.Context(), []string{"-run", "no such cell"}, nil, io.Discard, io.Discard); code != 1 {
		t.Errorf("no cell: exit code %d", code)
	}
}

// startBench is a bench on a server of the test's.
func startBench(t *testing.T) *bench {
	t.Helper()
	server := zkserver.Standalone(t)
	control, err := dial(t.Context(), server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(control.Close)
	return &bench{connect: server.Addr(), control: control, log: io.Discard}
}

// TestTurnFailsOnAWrongCounter: what a cell says is not believed.
func TestTurnFailsOnAWrongCounter(t *testing.T) {
	b := startBench(t)
	at := place{connect: b.connect, path: "/counter", duration: 1}
	_, err := b.turn(t.Context(), func(context.Context, place) (peers.Report, error) {
		return peers.Report{Acks: 2, Unknown: 1, Seconds: 1}, nil
	}, at)
	if err == nil || !strings.Contains(err.Error(), "the counter is 0 after 2") {
		t.Errorf("%v", err)
	}
}

// TestWorkerThatIsNotReleased ends without counting when its parent is gone.
func TestWorkerThatIsNotReleased(t *testing.T) {
	b := startBench(t)
	at := place{connect: b.connect, path: "/counter", duration: 1}
	if err := create(b.control, at.node(), newDocument().encode()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := runWorker(t.Context(), at.args(), strings.NewReader(""), &out)
	if err == nil || out.String() != "ready\n" {
		t.Errorf("%v after %q", err, out.String())
	}
	if err := runWorker(t.Context(), []string{"too", "few"}, nil, &out); err == nil {
		t.Error("too few arguments")
	}
}
