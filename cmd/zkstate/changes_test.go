package main

import (
	"bytes"
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
	if coloured(&bytes.Buffer{}) || coloured(file) {
		t.Error("coloured where there is no terminal")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip("no terminal can be made here:", err)
	}
	defer terminal.Close()
	if !coloured(terminal) {
		t.Error("not coloured on a terminal")
	}
	t.Setenv("TERM", "dumb")
	if coloured(terminal) {
		t.Error("coloured on a dumb terminal")
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	if coloured(terminal) {
		t.Error("coloured in spite of NO_COLOR")
	}
}
