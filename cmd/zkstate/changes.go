package main

import (
	"fmt"
	"os"

	"github.com/zkstate/zkstate/diff"
)

// colours are what a terminal shows a kind of change in, as SGR parameters.
var colours = map[diff.Kind]int{diff.Added: 32, diff.Removed: 31, diff.Modified: 33}

// printChanges prints changes as people read them, coloured on a terminal.
func (c *cli) printChanges(changes []diff.Change) error {
	s, terminal := c.stdout.(*screen)
	for _, change := range changes {
		var err error
		if terminal && coloured() {
			err = s.paint(colours[change.Kind], change.String())
		} else {
			_, err = fmt.Fprintln(c.stdout, change)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// coloured reports whether the user of a terminal did not say no; see
// https://no-color.org.
func coloured() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }
