package procwatch

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Event says that a process began or ceased to match.
type Event struct {
	Appeared bool // else it is gone
	Process
	// Glob is the first glob in the list that matched: now if it appeared, at
	// the last look that still matched if it is gone.
	Glob string
}

// Watcher remembers which processes matched at the last look. The zero value has
// seen nothing and is ready. It is pure state: it asks neither the system nor the
// clock. It must not be used concurrently.
type Watcher struct {
	matched map[int32]match
}

type match struct {
	name string
	glob string
}

// Update takes the processes running now and the globs to match them against, and
// returns what came and went since the last call, by PID, and for the same PID
// what is gone before what appeared. A process counts as gone when it ended and
// when no glob matches it any more, alike.
//
// A process is its PID and its name: a PID that is found with another name is one
// process gone and another come; a PID reused between two looks under the same
// name goes unnoticed. A process that matches by another glob than before is no
// event. Malformed globs match nothing. The arguments are not changed or kept.
func (w *Watcher) Update(procs []Process, globs []string) []Event {
	now := make(map[int32]match)
	for _, p := range procs {
		if glob, ok := firstMatch(globs, p.Name); ok {
			now[p.PID] = match{p.Name, glob}
		}
	}
	var events []Event
	for pid, old := range w.matched {
		if m, ok := now[pid]; !ok || m.name != old.name {
			events = append(events, Event{false, Process{pid, old.name}, old.glob})
		}
	}
	for pid, m := range now {
		if old, ok := w.matched[pid]; !ok || m.name != old.name {
			events = append(events, Event{true, Process{pid, m.name}, m.glob})
		}
	}
	// Stable: what is gone was appended first, and stays first for its PID.
	slices.SortStableFunc(events, func(a, b Event) int { return byPID(a.Process, b.Process) })
	w.matched = now
	return events
}

// Matches returns the processes that matched at the last Update, sorted by PID.
// The slice is the caller's.
func (w *Watcher) Matches() []Process {
	procs := make([]Process, 0, len(w.matched))
	for _, pid := range slices.Sorted(maps.Keys(w.matched)) {
		procs = append(procs, Process{pid, w.matched[pid].name})
	}
	return procs
}

func firstMatch(globs []string, name string) (string, bool) {
	for _, glob := range globs {
		if ok, err := path.Match(noSlash(glob), noSlash(name)); ok && err == nil {
			return glob, true
		}
	}
	return "", false
}

// noSlash puts a letter that no process name contains in the place of "/", which
// path.Match would treat as a separator.
func noSlash(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
