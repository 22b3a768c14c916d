package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/zkstate/zkstate/internal/printable"
)

// printJSON prints a value as one line of JSON.
func (c *cli) printJSON(value any) error {
	line := json.NewEncoder(c.stdout)
	line.SetEscapeHTML(false)
	return line.Encode(value)
}

// printTable prints rows of cells, the first row being the heading.
func (c *cli) printTable(rows [][]string) error {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, printable.Line(cell))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// complain says on standard error what went wrong while the command goes on.
func (c *cli) complain(format string, args ...any) {
	fmt.Fprintln(c.stderr, printable.Line("zkstate: "+fmt.Sprintf(format, args...)))
}
