package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

// TestFindingsOverTime: what depends on a clock, which no server can be told.
func TestFindingsOverTime(t *testing.T) {
	now := time.Now()
	one, two := store.NewVersion(1, 1, 0), store.NewVersion(1, 2, 1)
	known := func(change func(*examination)) *examination {
		x := &examination{cli: &cli{}, path: "/doc", record: store.Record{Version: two, Data: []byte("{}"), Time: now}}
		change(x)
		return x
	}
	holder := store.Waiter{Key: "latch-a-0000000001", Session: "0x1", Since: now.Add(-time.Hour)}
	waiter := store.Waiter{Key: "latch-b-0000000002", Session: "0x2", Since: now.Add(-time.Hour)}
	late := zkstate.Listener{ID: "late", Status: zkstate.StatusApplied, Applied: one}
	for name, c := range map[string]struct {
		x    *examination
		want string
		code int
	}{
		"healthy":        {known(func(*examination) {}), "[]", 0},
		"clock":          {known(func(x *examination) { x.record.Time = now.Add(clockTolerance + time.Second) }), "[clock]", exitcode.Attention},
		"small skew":     {known(func(x *examination) { x.record.Time = now.Add(clockTolerance) }), "[]", 0},
		"lock alone":     {known(func(x *examination) { x.queue = []store.Waiter{holder} }), "[]", 0},
		"lock waited on": {known(func(x *examination) { x.queue = []store.Waiter{holder, waiter} }), "[lock-old]", exitcode.Attention},
		"not waited for": {known(func(x *examination) { x.listeners = []zkstate.Listener{late} }), "[listener-behind]", 0},
		"waited for":     {known(func(x *examination) { x.listeners, x.patient = []zkstate.Listener{late}, true }), "[listener-behind]", exitcode.Attention},
		"worst first": {known(func(x *examination) {
			x.found.Findings = []store.Finding{{Check: "a", Severity: store.SeverityNote}, {Check: "b", Severity: store.SeverityWarning}, {Check: "c", Severity: store.SeverityFault, Err: errors.New("c")}}
		}), "[c b a]", exitcode.Other},
	} {
		c.x.check(now)
		checks := make([]string, len(c.x.findings))
		for i, f := range c.x.findings {
			checks[i] = f.Check
			if f.Advice == "" && len(f.Check) > 1 {
				t.Errorf("%s: %s comes without advice", name, f.Check)
			}
		}
		if got := fmt.Sprint(checks); got != c.want || c.x.exitCode() != c.code {
			t.Errorf("%s: %s and exit code %d, want %s and %d", name, got, c.x.exitCode(), c.want, c.code)
		}
	}
}

// TestPartRows: of a folder with many children the first are shown, and it is said that
// there are more.
func TestPartRows(t *testing.T) {
	parts := []store.Part{{Name: "/doc"}}
	for i := range 25 {
		parts = append(parts, store.Part{Name: fmt.Sprintf("/doc/listeners/%02d", i)})
	}
	parts = append(parts, store.Part{Name: "/doc/payload"})
	rows := partRows(parts)
	if len(rows) != 1+1+shownChildren+1+1 || !slices.Equal(rows[2+shownChildren], []string{"/doc/listeners/* (15 more)", "", "", ""}) {
		t.Errorf("%q", rows)
	}
}
