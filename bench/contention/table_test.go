package main

import (
	"strings"
	"testing"
	"time"
)

func TestPrint(t *testing.T) {
	b := &bench{
		cells: []*cell{
			counted(floor64, "", []int64{5, 5}, []int64{0, 30}),
			counted("Curator one", curator, []int64{12}, []int64{13}),
		},
		alone: []latencies{{update: 3 * time.Millisecond, set: 2 * time.Millisecond}},
		notes: []string{"kazoo did not run: no snakes here"},
	}
	b.cells[0].results[0].Unknown = 2
	var out strings.Builder
	if err := b.print(&out); err != nil {
		t.Fatal(err)
	}
	const want = `median of the rounds     acks/s    min..max  acks  commits  unknown  most/least
bare client, 64 clients    20.0  10.0..30.0    40       40        2         inf
Curator one                12.5  12.0..13.0    25       25        0           -

zkstate, alone: the median Update takes 3ms, the median bare Set 2ms.

ratio of the medians                                       min..max  target       result
zkstate, 64 goroutines / best Curator                 -           -  >= 100  did not run
zkstate, 64 goroutines / bare client, 64 clients      -           -  >= 100  did not run
zkstate, 16 processes / best Curator                  -           -    >= 4  did not run
one bare Set after another / best Curator          40.0  41.7..41.7          the ceiling
zkstate, 16 processes: served most / least            -           -    <= 2  did not run
zkstate, alone: Update / bare Set, median latency  1.50  1.50..1.50  <= 1.5          met

kazoo did not run: no snakes here
`
	if got := out.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
