package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

func (x *examination) checkListeners() {
	behind := make(map[string]bool)
	for _, l := range x.behind() {
		behind[l.ID] = true
	}
	for _, l := range x.listeners {
		f := store.Finding{Severity: store.SeverityWarning, About: whoListens(l), Commands: []string{x.zkstate("listeners", x.path)}, In: store.InShell}
		switch {
		case l.Status == "":
			f.Check, f.Severity, f.Problem = "listener-unknown", store.SeverityNote, "its record cannot be read or is not one of this library"
			f.Advice = "see which program made it; it has no part in --wait"
		case behind[l.ID] && !x.patient:
			f.Check, f.Severity, f.Problem = "listener-behind", store.SeverityNote, x.lag(l)+"; there was no time to wait for its report"
			f.Advice, f.Commands = "raise --timeout", []string{x.zkstate("doctor", x.path, "--timeout", (2*reportTime(len(x.listeners)) + 10*time.Second).String())}
		case behind[l.ID]:
			f.Check, f.Problem = "listener-behind", x.lag(l)
			f.Advice = "see whether its process hangs or is cut off, and restart it; one that was opened with Quiet never says what it has applied"
		case l.Status == zkstate.StatusRejected:
			f.Check, f.Problem = "listener-rejects", "it refuses the document and goes on with an older one: "+l.Reason
			f.Advice = "correct the document, or restart the program in a version that knows it"
			f.Commands = append(f.Commands, x.zkstate("edit", x.path))
		default:
			continue
		}
		x.odd(f)
	}
	for _, record := range x.lost {
		l := listenerOf(record)
		x.odd(store.Finding{
			Check: "listener-lost", Severity: store.SeverityNote, About: whoListens(l),
			Problem:  fmt.Sprintf("it ended without a good-bye, or is cut off: --wait all waits for it for %v, during which it may serve what it has", cmp.Or(l.MaxStaleness, zkstate.DefaultMaxStaleness)),
			Advice:   "programs that have the document open forget it within some minutes; if you know that it does not run, have it forgotten now",
			Commands: []string{x.zkstate("listeners", x.path, "--forget", l.ID)}, In: store.InShell,
		})
	}
}

// lag says what a listener is behind of.
func (x *examination) lag(l zkstate.Listener) string {
	return fmt.Sprintf("it has version %v, and the document %v, %d later", l.Applied, x.record.Version, x.record.Version.Since(l.Applied))
}

func whoListens(l zkstate.Listener) string {
	who := l.ID
	if l.App != "" {
		who += ", " + l.App
	}
	if l.PID != 0 {
		who += fmt.Sprintf(", process %d", l.PID)
	}
	if l.Host != "" {
		who += " on " + l.Host
	}
	return who
}
