package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/printable"
)

// table is the last word: what the store's listener records say, beside what the
// agents said.
func (d *demo) table(ctx context.Context) error {
	newest := d.newest(ctx)
	records := make(map[string]zkstate.Listener)
	err := d.await(ctx, demoStep, "every listener record says that the newest version is applied", func() bool {
		clear(records)
		for _, l := range d.listeners(ctx) {
			records[l.ID] = l
		}
		return len(records) == len(d.agents) && !slices.ContainsFunc(d.agents, func(a *demoAgent) bool {
			return records[a.id].Applied != newest || a.version != newest
		})
	})
	d.headline(fmt.Sprintf("in the end, with the document at version %v", newest))
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "agent\tversion\tlistener\tapplied\tlag of the last commit")
	for _, a := range d.agents {
		l := records[a.id]
		fmt.Fprintf(w, "%s\t%v\t%s, process %d\t%v\t%s\n", a.id, a.version, l.Status, l.PID, l.Applied, ms(a.lag))
	}
	if flushErr := w.Flush(); flushErr != nil {
		return flushErr
	}
	if err == nil {
		fmt.Fprintf(d.out, "all agents agreed at every step, in %.1f s\n", time.Since(d.start).Seconds())
	}
	return err
}

func (d *demo) headline(text string) { fmt.Fprintf(d.out, "\n%s\n", text) }

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) line(who, format string, args ...any) {
	fmt.Fprintf(d.out, "%7.3fs  %-8s %s\n", time.Since(d.start).Seconds(), who, printable.Line(fmt.Sprintf(format, args...)))
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%+7.1f ms", float64(d)/float64(time.Millisecond))
}

// count writes "a, b x3".
func count(sorted []string) string {
	if len(sorted) == 0 {
		return "none"
	}
	var parts []string
	for i := 0; i < len(sorted); {
		n := 1
		for i+n < len(sorted) && sorted[i+n] == sorted[i] {
			n++
		}
		part := sorted[i]
		if n > 1 {
			part += fmt.Sprintf(" x%d", n)
		}
		parts = append(parts, part)
		i += n
	}
	return strings.Join(parts, ", ")
}

// shellQuote writes a command as one would type it.
func shellQuote(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = arg
		if strings.ContainsAny(arg, " \"{}[]*$\\'") {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
