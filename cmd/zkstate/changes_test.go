package main

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"testing"
)

// TestColoursAreForTerminals: and for users who did not say no.
func TestColoursAreForTerminals(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, w := range []io.Writer{&bytes.Buffer{}, file} {
		if _, terminal := onScreen(w).(*screen); terminal {
			t.Errorf("a %T is taken for a terminal", w)
		}
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip("no terminal can be made here:", err)
	}
	defer terminal.Close()
	if _, is := onScreen(terminal).(*screen); !is || !coloured() {
		t.Error("not coloured on a terminal")
	}
	t.Setenv("TERM", "dumb")
	if coloured() {
		t.Error("coloured on a dumb terminal")
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	if coloured() {
		t.Error("coloured in spite of NO_COLOR")
	}
}
