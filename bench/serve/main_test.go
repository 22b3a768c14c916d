package main

import (
	"strings"
	"testing"
)

// TestEverything measures all, briefly; the figures may be anything.
func TestEverything(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"-changes", "2", "-rounds", "1"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, c := range cells {
		if !strings.Contains(out.String(), c.String()) {
			t.Errorf("there is no line of %v", c)
		}
	}
}
