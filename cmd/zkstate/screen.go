package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"github.com/zkstate/zkstate/internal/printable"
)

// screen is a terminal to which only text can be written, since others wrote much of
// what the commands print. Escape sequences come through paint alone.
type screen struct {
	file *os.File
	mu   sync.Mutex // guards all below, and file's order
	cut  []byte     // the beginning of a character whose end was not written yet
}

// onScreen returns w, or a screen if w is a terminal.
func onScreen(w io.Writer) io.Writer {
	if file, ok := w.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		return &screen{file: file}
	}
	return w
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := append(s.cut, p...)
	whole := len(text) - cutOff(text)
	s.cut = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(s.file, printable.Text(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// cutOff is how many bytes at the end of text begin a character and do not end it.
func cutOff(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// flush writes what Write still keeps.
func (s *screen) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.file, printable.Text(string(s.cut))) // nobody is left to hear of an error
	s.cut = nil
}

// paint writes a line in a colour, which is a parameter of SGR.
func (s *screen) paint(colour int, line string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := fmt.Fprintf(s.file, "\x1b[%dm%s\x1b[0m\n", colour, printable.Line(line))
	return err
}
