// Package observing reads the tables of docs/OBSERVING.md, for the tests that hold them to
// what programs show.
package observing

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Doc is the page.
type Doc struct {
	tb   testing.TB
	text string
}

// Page reads the page from a file.
func Page(tb testing.TB, file string) Doc {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return Doc{tb, string(text)}
}

// Table returns the rows of all tables that have this heading. There is one at least.
func (d Doc) Table(heading ...string) (rows [][]string) {
	d.tb.Helper()
	in := false
	for line := range strings.SplitSeq(d.text, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			in = false
			continue
		}
		cells = cells[1 : len(cells)-1]
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case slices.Equal(cells, heading):
			in = true
		case in && !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		d.tb.Fatalf("there is no table with the heading %q", heading)
	}
	return rows
}

// Code is what stands between a cell's first two backquotes.
func Code(cell string) string {
	_, rest, _ := strings.Cut(cell, "`")
	code, _, _ := strings.Cut(rest, "`")
	return code
}

// Figure is a row of a table of metrics.
type Figure struct {
	Name    string
	Counter bool
	Labels  []string            // store and path among them
	Values  map[string][]string // what the further label can be
}

// Figures returns the metrics of both tables.
func (d Doc) Figures() (all []Figure) {
	d.tb.Helper()
	for _, row := range d.Table("metric", "type", "further label", "what it says") {
		f := Figure{Name: Code(row[0]), Counter: row[1] == "counter", Labels: []string{"store"}}
		if !strings.HasPrefix(f.Name, "zkstate_store_") {
			f.Labels = append(f.Labels, "path")
		}
		if further := Code(row[2]); further != "" {
			_, values, _ := strings.Cut(row[2], ": ")
			f.Labels = append(f.Labels, further)
			f.Values = map[string][]string{further: strings.Split(values, ", ")}
		}
		all = append(all, f)
	}
	return all
}
