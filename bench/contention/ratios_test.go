package main

import (
	"testing"
	"time"

	"github.com/zkstate/zkstate/bench/peers"
)

// counted is a cell whose clients had these acknowledgements in each round of a
// second.
func counted(name, peer string, rounds ...[]int64) *cell {
	c := &cell{name: name, peer: peer}
	for _, each := range rounds {
		r := result{Report: peers.Report{Seconds: 1, Each: each}}
		for _, n := range each {
			r.Acks += n
		}
		r.commits = r.Acks
		c.results = append(c.results, r)
	}
	return c
}

func TestRatios(t *testing.T) {
	cells := []*cell{
		counted(floor64, "", []int64{5, 5}, []int64{10, 10}),
		counted(goroutines64, "", []int64{1000, 1000}, []int64{1000, 2000}),
		counted(processes16, "", []int64{30, 10}, []int64{40, 40}),
		counted("Curator one", curator, []int64{1}, []int64{3}),
		counted("Curator other", curator, []int64{10}, []int64{30}),
		counted("kazoo", kazoo, []int64{1000}, []int64{1000}),
	}
	alone := []latencies{{update: 3 * time.Millisecond, set: time.Millisecond}, {update: time.Millisecond, set: time.Millisecond}}
	type row struct {
		name             string
		value, low, high float64
		met              bool
	}
	want := []row{
		{"zkstate, 64 goroutines / best Curator (Curator other)", 125, 100, 200, true},
		{"zkstate, 64 goroutines / bare client, 64 clients", 2500. / 15, 150, 200, true},
		{"zkstate, 16 processes / best Curator (Curator other)", 3, 80. / 30, 4, false},
		{"one bare Set after another / best Curator", 50, 1000. / 30, 100, false},
		{"zkstate, 16 processes: served most / least", 2, 1, 3, true},
		{"zkstate, alone: Update / bare Set, median latency", 2, 1, 3, false},
	}
	for i, r := range ratios(cells, alone) {
		if got := (row{r.name, r.Value, r.Low, r.High, r.met}); r.missing != "" || got != want[i] {
			t.Errorf("%+v %s\nwant %+v", got, r.missing, want[i])
		}
	}
}

func TestRatiosOfWhatDidNotRun(t *testing.T) {
	all := ratios([]*cell{{name: floor64}, {name: goroutines64}, {name: "Curator one", peer: curator}}, nil)
	if len(all) != 6 {
		t.Errorf("%d ratios", len(all))
	}
	for _, r := range all {
		if r.missing == "" || r.met || r.name == "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestTogether(t *testing.T) {
	r := together([]peers.Report{{Acks: 10, Unknown: 1, Seconds: 1}, {Acks: 20, Seconds: 2}})
	if r.Acks != 30 || r.Unknown != 1 || r.Rate() != 15 || spread(r.Each) != 2 {
		t.Errorf("%+v", r)
	}
}
