package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// shape makes documents of units that are alike. A unit of another revision differs
// in one value.
type shape struct {
	name        string
	open, close string
	unit        func(i, revision int) string
	indented    bool
}

var shapes = []shape{
	{"records", `{"services":[`, `]}`, record, false},
	{"registry", `{`, `}`, host, true},
	{"prose", `[`, `]`, paragraph(prose), false},
	{"escapes", `[`, `]`, paragraph(escapes), false},
	{"matrix", `{"rows":[`, `]}`, row, false},
}

func record(i, revision int) string {
	return fmt.Sprintf(`{"id":%d,"name":"service-%d","globs":["systemd*","rsync*"],"limits":{"cpu":%d.5,"mem":1048576,"rev":%d},"enabled":true}`,
		i, i, i%7, revision)
}

func host(i, revision int) string {
	return fmt.Sprintf(`"host-%05d.example.org":{"addr":"10.%d.%d.7","ports":[22,443,%d],"labels":{"zone":"z%d","rack":null},"seen":%d}`,
		i, i/256, i%256, 1024+i%1000, i%3, 1_700_000_000+revision)
}

// prose is what people write in configurations; in escapes, every eighth byte or so
// is none that stands for itself, which is as bad as text gets.
var (
	prose = strings.Fields(`every instance of the application reads this text before it starts, \"and\" shows it to whoever asks;\nnaïve
		readers take a while to see what größer means here, so it is explained once more at the end of the second section`)
	escapes = strings.Fields(`naïve state \"quoted\" of a cluster größer 日本語 and tab\t so on`)
)

func paragraph(words []string) func(i, revision int) string {
	return func(i, revision int) string {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		var b strings.Builder
		fmt.Fprintf(&b, `"%d`, i)
		for k := range 60 {
			if k == 30 {
				fmt.Fprintf(&b, " %d", revision)
			}
			b.WriteString(" " + words[random.IntN(len(words))])
		}
		return b.String() + `"`
	}
}

func row(i, revision int) string {
	random := rand.New(rand.NewPCG(uint64(i), 2))
	var b strings.Builder
	fmt.Fprintf(&b, `[%d,%d`, i, revision)
	for range 12 {
		fmt.Fprintf(&b, ",%.6f", random.NormFloat64())
	}
	return b.String() + "]"
}

// edit is how the new document differs from the old one: the units' revisions, and
// how many units are new at the front.
type edit struct {
	name     string
	revision func(i, n int) int
	front    int
}

var edits = []edit{
	{"1 change", func(i, n int) int { return count(i == n/3) }, 0},
	{"1% changed", func(i, n int) int { return count(i%100 == 50 || n < 100 && i == n/2) }, 0},
	{"all changed", func(int, int) int { return 1 }, 0},
	{"inserted at the front", func(int, int) int { return 0 }, 1},
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// pair returns an old document of about size bytes, and the new one.
func (s shape) pair(e edit, size int) (old, new []byte) {
	n := 1
	for length := 0; length < size*9/10; n++ {
		length += len(s.unit(n, 0))
	}
	var before, after []string
	for i := range n {
		before = append(before, s.unit(i+e.front, 0))
		after = append(after, s.unit(i+e.front, e.revision(i, n)))
	}
	for i := range e.front {
		after = append([]string{s.unit(i, 0)}, after...)
	}
	return s.document(before), s.document(after)
}

func (s shape) document(units []string) []byte {
	text := []byte(s.open + strings.Join(units, ",") + s.close)
	if !s.indented {
		return text
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", " "); err != nil {
		panic(err)
	}
	return out.Bytes()
}
