package main

import "fmt"

// What is compared.
const (
	setAlone      = "Set alone, p50 in us"
	setThroughput = "64 goroutines, Sets/s"
	setPerCPU     = "64 goroutines, Sets per CPU second"
	getThroughput = "64 goroutines, Gets/s"
	getPerCPU     = "64 goroutines, Gets per CPU second"
	allocsOfGet   = "allocations a Get"
	bytesOfGet    = "bytes allocated a Get"
	heapOfSession = "memory of a session in KiB"
)

// loadFigures are what the measurements of a loaded client give.
var loadFigures = map[string]struct{ throughput, perCPU string }{
	setCell: {setThroughput, setPerCPU},
	getCell: {getThroughput, getPerCPU},
}

// goal bounds the ratio of zkstate's figure to go-zookeeper's. Both bounds are zero where
// there is none.
type goal struct {
	figure          string
	atLeast, atMost float64
}

var goals = []goal{
	{figure: setAlone, atMost: 0.95},
	{figure: setThroughput, atLeast: 1},
	{figure: setPerCPU, atLeast: 1.5},
	{figure: getThroughput, atLeast: 1},
	{figure: getPerCPU, atLeast: 1.5},
	{figure: allocsOfGet, atMost: 1. / 3},
	{figure: bytesOfGet},
	{figure: heapOfSession},
}

func (g goal) text() string {
	switch {
	case g.atLeast > 0:
		return fmt.Sprintf(">= %.3g", g.atLeast)
	case g.atMost > 0:
		return fmt.Sprintf("<= %.3g", g.atMost)
	}
	return "none"
}

func (g goal) verdict(ratio float64) string {
	switch {
	case g.atLeast == 0 && g.atMost == 0:
		return "-"
	case g.atLeast > 0 && ratio >= g.atLeast, g.atMost > 0 && ratio <= g.atMost:
		return "met"
	}
	return "missed"
}
