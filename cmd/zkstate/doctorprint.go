package main

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

// printExamination prints what doctor knows and what it found.
func (c *cli) printExamination(x *examination) error {
	if c.output == "json" {
		return c.printJSON(x.json())
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, fact := range x.facts() {
		fmt.Fprintf(w, "%s\t%s\n", fact.Name, printable.Line(fact.Value))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(c.stdout)
	if err := c.printTable(partRows(x.found.Parts)); err != nil {
		return err
	}
	return c.printFindings(x.findings)
}

// facts are what doctor says of the store, and then of the document.
func (x *examination) facts() []store.Fact {
	facts := append([]store.Fact{}, x.found.Facts...)
	tell := func(name, format string, args ...any) {
		facts = append(facts, store.Fact{Name: name, Value: fmt.Sprintf(format, args...)})
	}
	if write := x.found.Write; write.Err != nil {
		tell("write", "not measured: %s", plain(write.Err.Error()))
	} else {
		tell("write", "%v for %s", write.Took.Round(10*time.Microsecond), write.What)
	}
	tell("read", "%v for one consistent read of the document", x.readTook.Round(10*time.Microsecond))
	switch {
	case x.loaded == nil:
		tell("document", "version %v, %d bytes, of %s", x.record.Version, len(x.record.Data), moment(x.record.Time))
	case errors.Is(x.loaded, store.ErrNotFound):
		tell("document", "none")
	default:
		tell("document", "not known: it cannot be read")
	}
	tell("listeners", "%s", x.unless("the listeners", fmt.Sprintf("%d, and %d lost", len(x.listeners), len(x.lost))))
	journal, lock := "off", "free"
	if x.keep > 0 {
		journal = fmt.Sprintf("keeps %d entries, has %d", x.keep, x.found.Entries)
	}
	if len(x.queue) > 0 {
		lock = fmt.Sprintf("held by %s, %d waiting", describe(x.queue[0]), len(x.queue)-1)
	}
	tell("journal", "%s", x.unless("the journal", journal))
	tell("lock", "%s", x.unless("the lock queue", lock))
	return facts
}

// unless is text, unless what it tells may not be read.
func (x *examination) unless(what, text string) string {
	if x.denied[what] != nil {
		return "not known: it may not be read"
	}
	return text
}

// shownChildren is how many znodes of one folder are shown.
const shownChildren = 10

// partRows are the rows of a table. Of a folder with many children the first are shown.
func partRows(parts []store.Part) [][]string {
	rows := [][]string{{"PART", "SIZE", "ACCESS", "OWNER"}}
	siblings := make(map[string]int) // that were met, by folder
	for i, part := range parts {
		folder := path.Dir(part.Name)
		if siblings[folder]++; siblings[folder] <= shownChildren {
			access := part.Access
			if part.Err != nil {
				access = "not known: it may not be read"
			}
			rows = append(rows, []string{part.Name, fmt.Sprint(part.Size), access, cmp.Or(part.Owner, "-")})
		}
		last := i+1 == len(parts) || path.Dir(parts[i+1].Name) != folder
		if more := siblings[folder] - shownChildren; last && more > 0 {
			rows = append(rows, []string{fmt.Sprintf("%s/* (%d more)", folder, more), "", "", ""})
		}
	}
	return rows
}

// prompts show which program a command is for.
var prompts = map[string]string{store.InShell: "$ ", store.InZooKeeperCLI: "zkCli.sh> "}

func (c *cli) printFindings(findings []store.Finding) error {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "\n%s: %s: %s\n", f.Severity, f.Check, printable.Line(f.About))
		fmt.Fprintf(&b, "    %s\n", printable.Line(f.Problem))
		fmt.Fprintf(&b, "    To do: %s.\n", printable.Line(f.Advice))
		for _, command := range f.Commands {
			fmt.Fprintf(&b, "        %s%s\n", prompts[f.In], printable.Line(command))
		}
	}
	if len(findings) == 0 {
		b.WriteString("\nNothing odd was found.\n")
	}
	_, err := fmt.Fprint(c.stdout, b.String())
	return err
}

// examinationJSON is how -o json describes an examination.
type examinationJSON struct {
	Path     string        `json:"path"`
	Facts    []store.Fact  `json:"facts"`
	WriteMs  *float64      `json:"writeMs,omitempty"` // absent: it could not be measured
	ReadMs   float64       `json:"readMs"`
	Parts    []partJSON    `json:"parts"`
	Findings []findingJSON `json:"findings"` // faults first, then warnings
}

type partJSON struct {
	Name     string `json:"name"`
	Size     int64  `json:"size"`
	Children int    `json:"children,omitempty"`
	Access   string `json:"access,omitempty"`
	Owner    string `json:"owner,omitempty"`
	Error    string `json:"error,omitempty"`
}

type findingJSON struct {
	Check    string         `json:"check"`
	Severity store.Severity `json:"severity"`
	About    string         `json:"about"`
	Problem  string         `json:"problem"`
	Advice   string         `json:"advice"`
	Commands []string       `json:"commands,omitempty"`
	In       string         `json:"in,omitempty"` // the program that commands are for
}

func (x *examination) json() examinationJSON {
	described := examinationJSON{Path: x.path, Facts: x.facts(), ReadMs: milliseconds(x.readTook), Parts: []partJSON{}, Findings: []findingJSON{}}
	if x.found.Write.Err == nil {
		took := milliseconds(x.found.Write.Took)
		described.WriteMs = &took
	}
	for _, p := range x.found.Parts {
		part := partJSON{p.Name, p.Size, p.Children, p.Access, p.Owner, ""}
		if p.Err != nil {
			part.Error = p.Err.Error()
		}
		described.Parts = append(described.Parts, part)
	}
	for _, f := range x.findings {
		finding := findingJSON{f.Check, f.Severity, f.About, f.Problem, f.Advice, f.Commands, f.In}
		if len(f.Commands) == 0 {
			finding.In = ""
		}
		described.Findings = append(described.Findings, finding)
	}
	return described
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
