// Diff measures zkstate's diff beside others, on the same pairs of documents, in
// turns, and prints medians and their ratios. A ratio above 1 is in our favour.
//
//	jsondiff  github.com/wI2L/jsondiff.CompareJSON, from text to operations
//	Valid     encoding/json.Valid of both texts, which builds and compares nothing
//	r3labs    github.com/r3labs/diff/v3 on values that are decoded already; its time
//	          grows with the square of a list, to a minute for one of 500 lists
//	          in 64 KB, so only the smallest documents are given to it
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"text/tabwriter"

	r3labs "github.com/r3labs/diff/v3"
	"github.com/wI2L/jsondiff"

	"github.com/zkstate/zkstate/diff"
)

func main() {
	turns := flag.Int("turns", 9, "how often each is measured")
	flag.Parse()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "size\tshape\tnew document\tus\tKB\tchanges\tjsondiff time\tbytes\tValid time\tr3labs time\tbytes\t")
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		for _, e := range edits {
			for _, s := range shapes {
				old, new := s.pair(e, size)
				line, err := compare(old, new, *turns)
				if err != nil {
					fmt.Fprintln(os.Stderr, "bench:", err)
					os.Exit(1)
				}
				fmt.Fprintf(w, "%d KB\t%s\t%s\t%s\t\n", size>>10, s.name, e.name, line)
			}
		}
		w.Flush()
	}
}

// compare measures one pair and returns its line of the table.
func compare(old, new []byte, turns int) (string, error) {
	changes, err := diff.Diff(old, new)
	if err != nil {
		return "", err
	}
	subjects := []func() error{
		func() error { _, err := diff.Diff(old, new); return err },
		func() error { _, err := jsondiff.CompareJSON(old, new); return err },
		func() error { return valid(old, new) },
	}
	if len(old) < 10<<10 {
		var x, y any
		if err := json.Unmarshal(old, &x); err != nil {
			return "", err
		}
		if err := json.Unmarshal(new, &y); err != nil {
			return "", err
		}
		subjects = append(subjects, func() error { _, err := r3labs.Diff(x, y); return err })
	}
	m, err := inTurns(subjects, turns)
	if err != nil {
		return "", err
	}
	ours, theirs, floor := m[0], m[1], m[2]
	line := fmt.Sprintf("%.1f\t%.1f\t%d\t%s\t%s\t%s", ours.micros, ours.bytes/1e3, len(changes),
		ratio(theirs.micros, ours.micros), ratio(theirs.bytes, ours.bytes), ratio(floor.micros, ours.micros))
	if len(m) == 4 {
		return line + "\t" + ratio(m[3].micros, ours.micros) + "\t" + ratio(m[3].bytes, ours.bytes), nil
	}
	return line + "\t-\t-", nil
}

func valid(texts ...[]byte) error {
	for _, text := range texts {
		if !json.Valid(text) {
			return fmt.Errorf("a document is not JSON")
		}
	}
	return nil
}

func ratio(theirs, ours float64) string {
	if ours == 0 {
		return "inf"
	}
	if r := theirs / ours; r < 100 {
		return fmt.Sprintf("%.1fx", r)
	}
	return fmt.Sprintf("%.0fx", theirs/ours)
}
