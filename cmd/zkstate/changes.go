package main

import (
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"

	"github.com/zkstate/zkstate/diff"
)

// colours are what a terminal shows a kind of change in, as SGR parameters.
var colours = map[diff.Kind]int{diff.Added: 32, diff.Removed: 31, diff.Modified: 33}

// printChanges prints changes as people read them, coloured on a terminal.
func (c *cli) printChanges(changes []diff.Change) error {
	format := func(change diff.Change) string { return change.String() }
	if coloured(c.stdout) {
		format = func(change diff.Change) string {
			return fmt.Sprintf("\x1b[%dm%v\x1b[0m", colours[change.Kind], change)
		}
	}
	for _, change := range changes {
		if _, err := fmt.Fprintln(c.stdout, format(change)); err != nil {
			return err
		}
	}
	return nil
}

// coloured reports whether w is a terminal whose user did not say no; see
// https://no-color.org.
func coloured(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isatty.IsTerminal(file.Fd())
}
