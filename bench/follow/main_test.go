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
	if err := run(t.Context(), []string{"-changes", "2", "-rounds", "1"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, c := range cells {
		if !strings.Contains(out.String(), c.name) {
			t.Errorf("nothing about %s", c.name)
		}
	}
	t.Log(out.String())
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-changes", "-1"}, {"more"}, {"-unknown"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
