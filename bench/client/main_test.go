package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestMain lets the test's binary be its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerArg {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestEverything measures all, briefly; the figures may be anything.
func TestEverything(t *testing.T) {
	zkserver.Require(t)
	var out, log strings.Builder
	profiles := t.TempDir()
	if code := run(t.Context(), []string{"-duration", "100ms", "-rounds", "2", "-profile", profiles}, &out, &log); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, log.String(), out.String())
	}
	for _, g := range goals {
		if !strings.Contains(out.String(), g.figure) {
			t.Errorf("nothing about %s", g.figure)
		}
	}
	if files, err := os.ReadDir(profiles); err != nil || len(files) != 6 {
		t.Errorf("profiles: %v, %v", files, err)
	}
	t.Logf("%s%s", log.String(), out.String())
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-duration", "-1s"}, {"more"}, {"-unknown"}} {
		if code := run(t.Context(), args, io.Discard, io.Discard); code != 2 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
	for _, args := range [][]string{{workerArg}, {workerArg, "{}"}, {workerArg, "x"}} {
		if code := run(t.Context(), args, io.Discard, io.Discard); code != 1 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

func TestTable(t *testing.T) {
	r := results{}
	for _, round := range []struct {
		figure       string
		ours, theirs float64
	}{{setAlone, 90, 100}, {setAlone, 110, 100}, {setAlone, 92, 100}, {getPerCPU, 140, 100}, {allocsOfGet, 3, 10}, {heapOfSession, 40, 3000}} {
		r.add(round.figure, oursName, round.ours)
		r.add(round.figure, peerName, round.theirs)
		if round.figure != heapOfSession {
			r.add(round.figure, bareName, 80)
		}
	}
	const want = `median of the rounds                zkstate  go-zookeeper  bare socket  ratio    min..max      goal  result
Set alone, p50 in us                   92.0           100         80.0   0.92  0.90..1.10   <= 0.95     met
64 goroutines, Gets per CPU second      140           100         80.0   1.40  1.40..1.40    >= 1.5  missed
allocations a Get                      3.00          10.0         80.0   0.30  0.30..0.30  <= 0.333     met
memory of a session in KiB             40.0          3000            -   0.01  0.01..0.01      none       -
`
	if got := r.table(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
