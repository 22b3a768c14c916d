package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// print writes the table, the latencies, the ratios and the notes.
func (b *bench) print(out io.Writer) error {
	text := grid(b.cellRows())
	if len(b.alone) > 0 {
		text += "\n" + b.latencyLine() + "\n"
	}
	text += "\n" + grid(b.ratioRows()) + "\n" + strings.Join(b.notes, "\n") + "\n"
	_, err := io.WriteString(out, text)
	return err
}

func (b *bench) cellRows() [][]string {
	rows := [][]string{{"median of the rounds", "acks/s", "min..max", "acks", "commits", "unknown", "most/least"}}
	for _, c := range b.cells {
		rates, sum := c.rates(), c.sum()
		rows = append(rows, []string{
			c.name, number(median(rates)), between(slices.Min(rates), slices.Max(rates)),
			strconv.FormatInt(sum.Acks, 10), strconv.FormatInt(sum.commits, 10), strconv.FormatInt(sum.Unknown, 10),
			number(median(c.served())),
		})
	}
	return rows
}

func (b *bench) ratioRows() [][]string {
	rows := [][]string{{"ratio of the medians", "", "min..max", "target", "result"}}
	for _, r := range ratios(b.cells, b.alone) {
		switch {
		case r.missing != "":
			rows = append(rows, []string{r.name, "-", "-", r.target, r.missing})
		case r.target == "":
			rows = append(rows, []string{r.name, number(r.value), between(r.low, r.high), "", "the ceiling"})
		case r.met:
			rows = append(rows, []string{r.name, number(r.value), between(r.low, r.high), r.target, "met"})
		default:
			rows = append(rows, []string{r.name, number(r.value), between(r.low, r.high), r.target, "missed"})
		}
	}
	return rows
}

func (b *bench) latencyLine() string {
	var updates, sets []time.Duration
	for _, l := range b.alone {
		updates, sets = append(updates, l.update), append(sets, l.set)
	}
	return fmt.Sprintf("%s: the median Update takes %v, the median bare Set %v.", zkstateAlone,
		median(updates).Round(time.Microsecond), median(sets).Round(time.Microsecond))
}

// grid lays out rows of as many columns as the first, which is to the left; the
// others are to the right.
func grid(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-*s", widths[0], row[0])
		for i, text := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func between(low, high float64) string { return number(low) + ".." + number(high) }

// number has three digits that matter, and a dash where there is no number.
func number(f float64) string {
	switch {
	case math.IsNaN(f):
		return "-"
	case math.IsInf(f, 1):
		return "inf"
	case f >= 100 || f == 0:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}
