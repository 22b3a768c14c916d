package procwatch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestListHasThisProcess(t *testing.T) {
	procs, err := List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(procs, byPID) {
		t.Errorf("not sorted by PID: %v", procs)
	}
	i := slices.IndexFunc(procs, func(p Process) bool { return int(p.PID) == os.Getpid() })
	if i < 0 {
		t.Fatalf("PID %d, this process, is not among %v", os.Getpid(), procs)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Without the suffix, which systems differ about.
	want := strings.TrimSuffix(filepath.Base(exe), ".exe")
	if got := strings.TrimSuffix(procs[i].Name, ".exe"); got != want {
		t.Errorf("this process is called %q, want %q", got, want)
	}
}

func TestListEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if procs, err := List(ctx); procs != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("List = %v, %v, want nil and context.Canceled", procs, err)
	}
}
