package main

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/zkstate/zkstate/bench/figures"
)

// goal bounds a figure from above. The text is what the table says of it.
type goal struct {
	atMost float64
	text   string
}

func atMost(f float64) *goal { return &goal{f, "<= " + strconv.FormatFloat(f, 'g', -1, 64)} }

// figure is something that is measured, with its goal if there is one.
type figure struct {
	name string
	goal *goal
}

// sheet is a table of figures, with a column for each size.
type sheet struct {
	title  string
	sizes  []int
	order  []*figure
	values map[*figure]map[int]float64
}

func newSheet(title string, sizes []int) *sheet {
	return &sheet{title: title, sizes: sizes, values: map[*figure]map[int]float64{}}
}

func (s *sheet) put(f *figure, size int, value float64) {
	if s.values[f] == nil {
		s.values[f] = map[int]float64{}
		s.order = append(s.order, f)
	}
	s.values[f][size] = value
}

// get returns a value, NaN if there is none.
func (s *sheet) get(f *figure, size int) float64 {
	if value, ok := s.values[f][size]; ok {
		return value
	}
	return math.NaN()
}

// text is the table. A goal is judged at the largest size.
func (s *sheet) text() string {
	head := []string{s.title}
	for _, size := range s.sizes {
		head = append(head, strconv.Itoa(size))
	}
	rows := [][]string{append(head, "goal", "result")}
	for _, f := range s.order {
		row := []string{f.name}
		for _, size := range s.sizes {
			row = append(row, figures.Number(s.get(f, size)))
		}
		largest := s.get(f, s.sizes[len(s.sizes)-1])
		rows = append(rows, append(row, f.goal.name(), f.goal.verdict(largest)))
	}
	return figures.Grid(rows)
}

func (s *sheet) print(to io.Writer) error {
	_, err := fmt.Fprintf(to, "\n%s", s.text())
	return err
}

func (g *goal) name() string {
	if g == nil {
		return "-"
	}
	return g.text
}

func (g *goal) verdict(value float64) string {
	switch {
	case g == nil || math.IsNaN(value):
		return "-"
	case value <= g.atMost:
		return "met"
	}
	return "missed"
}
