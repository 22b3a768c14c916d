package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/shellword"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

const (
	// oldLock is from when on a lock that others wait for is worth a warning.
	oldLock = 10 * time.Minute
	// nearSize is the share of the largest size, in percent, from which on it is near.
	nearSize = 80
	// clockTolerance is how far a store's clock may be ahead of this machine's.
	clockTolerance = 5 * time.Second
)

// check makes the findings out of what is known at a time.
func (x *examination) check(now time.Time) {
	x.findings = slices.Clone(x.found.Findings)
	x.checkDocument(now)
	x.checkListeners()
	x.checkQueue(now)
	x.checkJournal()
	x.checkDenied()
	order := []store.Severity{store.SeverityFault, store.SeverityWarning, store.SeverityNote}
	slices.SortStableFunc(x.findings, func(a, b store.Finding) int {
		return cmp.Compare(slices.Index(order, a.Severity), slices.Index(order, b.Severity))
	})
}

// checkDenied is for what the store has not found by itself.
func (x *examination) checkDenied() {
	for _, what := range slices.Sorted(maps.Keys(x.denied)) {
		if slices.ContainsFunc(x.found.Findings, func(f store.Finding) bool { return f.Check == "unreadable" }) && errors.Is(x.denied[what], store.ErrDenied) {
			continue
		}
		x.odd(store.Finding{
			Check: "unreadable", Severity: store.SeverityWarning, About: what, Problem: plain(x.denied[what].Error()),
			Advice: "run doctor as the application, or give this identity the right to read",
		})
	}
}

func (x *examination) odd(f store.Finding) { x.findings = append(x.findings, f) }

// zkstate writes a command of this program, on the store and with the flags that doctor was given.
func (x *examination) zkstate(args ...string) string {
	words := []string{"zkstate"}
	if public, err := storeurl.Public(x.cli.url); x.cli.url != "" && err == nil {
		words = append(words, "--store", shellword.Quote(public))
	}
	for _, flag := range [][2]string{{"--cacert", x.cli.zk.tls.CA}, {"--cert", x.cli.zk.tls.Cert}, {"--key", x.cli.zk.tls.Key}, {"--acl", x.cli.zk.acl}} {
		if flag[1] != "" {
			words = append(words, flag[0], shellword.Quote(flag[1]))
		}
	}
	for _, arg := range args {
		words = append(words, shellword.Quote(arg))
	}
	return strings.Join(words, " ")
}

func (x *examination) checkDocument(now time.Time) {
	f := store.Finding{Severity: store.SeverityFault, About: x.path, Err: x.loaded, In: store.InShell}
	switch err := x.loaded; {
	case errors.Is(err, store.ErrNotFound):
		f.Check, f.Problem = "no-document", "there is no document"
		f.Advice, f.Commands = "see whether the path and the store are right, or create it", []string{x.zkstate("ls", "-R"), x.zkstate("create", x.path, "{}")}
	case errors.Is(err, store.ErrDenied):
		f.Check, f.Problem = "unreadable", plain(err.Error())
		f.Advice = "go there as whom its ACL names; a wrong password looks the same, since servers take any"
	case errors.Is(err, store.ErrTooLarge):
		f.Check, f.Problem = "size", plain(err.Error())
		f.Advice = "nobody can read it any more: make it anew from a backup (here BACKUP)"
		f.Commands = []string{x.zkstate("delete", x.path), x.zkstate("create", x.path, "@BACKUP")}
	default:
		x.checkText()
		x.checkClock(now)
		return
	}
	x.odd(f)
}

// checkText looks at the document itself.
func (x *examination) checkText() {
	size := len(x.record.Data)
	if err := document.Check(x.path, x.record); err != nil {
		advice, command := "correct it; get -o raw shows it as it is", x.zkstate("edit", x.path)
		if version := x.lastGood(); version != "" {
			advice, command = "make it what it was at the newest good version of its journal, or correct it with edit", x.zkstate("rollback", x.path, version)
		}
		x.odd(store.Finding{
			Check: "rejected", Severity: store.SeverityFault, About: x.path, Err: err, Problem: plain(err.Error()),
			Advice: advice, Commands: []string{x.zkstate("get", x.path, "-o", "raw"), command}, In: store.InShell,
		})
		return
	}
	if size*100 < store.MaxCommit*nearSize {
		return
	}
	f := store.Finding{
		Check: "size", Severity: store.SeverityWarning, About: x.path, In: store.InShell,
		Problem: fmt.Sprintf("it has %d bytes, and a commit of more than %d is refused", size, store.MaxCommit),
		Advice:  "split it into several documents, or remove what is not needed",
	}
	if pointer, length := largestMember(x.record.Data); pointer != "" {
		f.Problem += fmt.Sprintf("; %d of them are at %s", length, pointer)
		f.Commands = []string{x.zkstate("get", x.path, pointer), x.zkstate("unset", x.path, pointer)}
	}
	x.odd(f)
}

// lastGood returns the newest version of the journal that has a good document, "" if
// there is none.
func (x *examination) lastGood() string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	entries, err := history.Read(ctx, x.store, x.path, 100)
	if err != nil {
		return ""
	}
	for _, e := range slices.Backward(entries) {
		if document := e.Document(); !e.Version.IsZero() && document != nil && diff.Check(document) == nil {
			return e.Version.String()
		}
	}
	return ""
}

func (x *examination) checkClock(now time.Time) {
	if ahead := x.record.Time.Sub(now); ahead > clockTolerance {
		x.odd(store.Finding{
			Check: "clock", Severity: store.SeverityWarning, About: x.path,
			Problem:  fmt.Sprintf("the document was committed %v from now: the clock of the store is ahead of this machine's, or was set back", ahead.Round(time.Second)),
			Advice:   "compare the clocks of the servers and of this machine, and have them synchronized by NTP",
			Commands: []string{"date -u"}, In: store.InShell,
		})
	}
}

func (x *examination) checkQueue(now time.Time) {
	for i, w := range x.queue {
		f := store.Finding{
			Severity: store.SeverityWarning, About: w.Key,
			Commands: []string{x.zkstate("lock", x.path, "--show"), x.zkstate("lock", x.path, "--break="+w.Key)}, In: store.InShell,
		}
		switch held := now.Sub(w.Since); {
		case w.Session == "":
			f.Check, f.Problem = "lock-left-behind", "a place in the queue of the write lock that nothing removes: "+describe(w)
			f.Advice = "if its owner does not run any more, remove it: until then exclusive writers wait for it"
		case i == 0 && held > oldLock && len(x.queue) > 1:
			f.Check, f.Problem = "lock-old", fmt.Sprintf("%d wait for the write lock, which is held by %s", len(x.queue)-1, describe(w))
			f.Advice = "see what its process does and end it if it hangs; only if that cannot be done, remove its place"
		default:
			continue
		}
		x.odd(f)
	}
}

func (x *examination) checkJournal() {
	switch {
	case x.keep > store.MaxJournal:
		x.odd(store.Finding{
			Check: "journal-long", Severity: store.SeverityWarning, About: x.path,
			Problem:  fmt.Sprintf("its journal keeps %d entries, and %d are the most that is provided for", x.keep, store.MaxJournal),
			Advice:   "keep fewer",
			Commands: []string{x.zkstate("history", x.path, "--keep", fmt.Sprint(store.MaxJournal))}, In: store.InShell,
		})
	case x.keep > 0 && x.found.Entries > x.keep:
		x.odd(store.Finding{
			Check: "journal-long", Severity: store.SeverityWarning, About: x.path,
			Problem:  fmt.Sprintf("its journal has %d entries and is to keep %d", x.found.Entries, x.keep),
			Advice:   "remove what is too old at once; else the commits that follow do",
			Commands: []string{x.zkstate("history", x.path, "--keep", fmt.Sprint(x.keep))}, In: store.InShell,
		})
	}
}

// largestMember returns the member of an object whose value is the longest, as a JSON
// Pointer, "" if it is no object or has none.
func largestMember(document []byte) (pointer string, length int) {
	var members map[string]json.RawMessage
	if json.Unmarshal(document, &members) != nil {
		return "", 0
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if n := len(members[key]); n > length {
			pointer, length = diff.Path{diff.Key(key)}.Pointer(), n
		}
	}
	return pointer, length
}
