package main

import (
	"io"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestEverything measures all, briefly; the figures may be anything.
func TestEverything(t *testing.T) {
	zkserver.Require(t)
	var out strings.Builder
	if err := run(t.Context(), []string{"-duration", "50ms", "-rounds", "1", "-profile", t.TempDir() + "/cpu"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, part := range []string{"1 KB", "64 KB", "900 KB", "64 goroutines"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("nothing about %s", part)
		}
	}
	t.Log(out.String())
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-duration", "-1s"}, {"more"}, {"-unknown"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
