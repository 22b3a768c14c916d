package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zkstate/zkstate/bench/figures"
)

// print writes the table, the latencies, the ratios and the notes.
func (b *bench) print(out io.Writer) error {
	text := figures.Grid(b.cellRows())
	if len(b.alone) > 0 {
		text += "\n" + b.latencyLine() + "\n"
	}
	text += "\n" + figures.Grid(b.ratioRows()) + "\n" + strings.Join(b.notes, "\n") + "\n"
	_, err := io.WriteString(out, text)
	return err
}

func (b *bench) cellRows() [][]string {
	rows := [][]string{{"median of the rounds", "acks/s", "min..max", "acks", "commits", "unknown", "most/least"}}
	for _, c := range b.cells {
		rates, sum := c.rates(), c.sum()
		rows = append(rows, []string{
			c.name, figures.Number(figures.Median(rates)), figures.Between(slices.Min(rates), slices.Max(rates)),
			strconv.FormatInt(sum.Acks, 10), strconv.FormatInt(sum.commits, 10), strconv.FormatInt(sum.Unknown, 10),
			figures.Number(figures.Median(c.served())),
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
			rows = append(rows, []string{r.name, figures.Number(r.Value), figures.Between(r.Low, r.High), "", "the ceiling"})
		case r.met:
			rows = append(rows, []string{r.name, figures.Number(r.Value), figures.Between(r.Low, r.High), r.target, "met"})
		default:
			rows = append(rows, []string{r.name, figures.Number(r.Value), figures.Between(r.Low, r.High), r.target, "missed"})
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
		figures.Median(updates).Round(time.Microsecond), figures.Median(sets).Round(time.Microsecond))
}
