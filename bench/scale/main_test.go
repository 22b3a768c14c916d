package main

import (
	"context"
	"io"
	"os"
	"reflect"
	"slices"
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
	args := []string{"-states", "10", "-instances", "3", "-followed", "0,10", "-window", "200ms", "-rounds", "2"}
	if code := run(t.Context(), args, &out, &log); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, log.String(), out.String())
	}
	for _, f := range []*figure{openRatio, stateHeap, sessionHeap, idleTransactions, changeExtra, lostRecords, deletedWatches, seenRatio, appliedRatio, appliedReported, reports, followedRatio} {
		if !strings.Contains(out.String(), "\n"+f.name+" ") {
			t.Errorf("nothing about %q", f.name)
		}
	}
	t.Logf("%s%s", log.String(), out.String())
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-window", "-1s"}, {"more"}, {"-unknown"}, {"-states", "0"}, {"-instances", "2,1"}, {"-states", "x"}, {"-store", "zk,mem"}} {
		if code := run(t.Context(), args, io.Discard, io.Discard); code != 2 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

func TestParseConfig(t *testing.T) {
	cfg, err := parseConfig([]string{"-states", "5,50", "-instances", "", "-store", "sqlite"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.states, counts{5, 50}) || len(cfg.instances) != 0 || !reflect.DeepEqual(cfg.stores, []string{sqlite}) {
		t.Errorf("%+v", cfg)
	}
	if cfg, err = parseConfig([]string{"-quick"}, io.Discard); err != nil || slices.Max(cfg.states) != 1000 {
		t.Errorf("%+v, %v", cfg, err)
	}
	if got := cfg.states.String(); got != "100,1000" {
		t.Errorf("the flag's text is %q", got)
	}
}
