package pagetest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

// view is one that is looked at in light and dark, wide and narrow.
type view struct {
	name string
	show func(w *window)
}

// Each view fits into 360 pixels, and axe finds nothing in it that keeps people from using
// it, in light and in dark.
func TestViews(t *testing.T) {
	s := newExample(t)
	fillExample(t, s)
	axe := readAxe(t)
	w := newWindow(t, 1280, 800)
	for _, v := range allViews(s) {
		w.scheme("light")
		w.run(chromedp.EmulateViewport(1280, 800))
		v.show(w)
		for _, scheme := range []string{"light", "dark"} {
			w.scheme(scheme)
			for _, width := range []int64{1280, 360} {
				w.run(chromedp.EmulateViewport(width, 780))
				name := fmt.Sprintf("%s-%s-%d", v.name, scheme, width)
				if wide := eval[int64](w, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s is %d pixels wide", name, wide)
				}
				eval[bool](w, `(document.querySelector('.conflict, .review')?.scrollIntoView(), true)`)
				if width > 360 || scheme == "light" { // the colours are the same in every width
					w.audit(axe, name)
				}
				w.shoot(name)
			}
		}
	}
}

func allViews(s *site) []view {
	edited := func(w *window) {
		w.open(s, "edit"+path)
		w.typeOver(`"owner": "ann"`, `"owner": "carol"`)
	}
	return []view{
		{"documents", func(w *window) { w.open(s, ""); w.see(".row", "config") }},
		{"live", func(w *window) {
			w.open(s, "live"+path)
			w.see(".row", "processes")
			s.patch(path, `{"limits":{"cpu":0.75},"processes":["systemd*","rsync*","firefox*"]}`, "the desktops, too")
			w.see(".row.changed-added", "firefox*")
			s.patch(path, `{"note":"since Monday"}`, "for the record")
			w.click(".row.changed-modified", "note")
			w.see(".recent .reason", "for the record")
			w.see(".plot", "Commits seen here")
		}},
		{"listeners", func(w *window) {
			w.open(s, "listeners"+path)
			w.see(".badge", "behind")
			s.patch(path, `{"debug":true}`, "")
			w.see(".plot", "2 listeners")
		}},
		{"history", func(w *window) {
			w.open(s, "history"+path)
			w.click(".entry", "a new owner")
			w.see(".entry-detail .difference", "bob")
			w.click("summary", "What it was then")
		}},
		{"rollback", func(w *window) {
			w.click("button", "Go back to this version")
			w.see("dialog .difference", "")
		}},
		{"edit", func(w *window) {
			w.press(kb.Escape)
			edited(w)
			w.typeOver(`"carol"`, `"carol`)
			w.see("#edit-check", "line")
		}},
		{"review", func(w *window) {
			w.typeOver(`"carol`, `"carol"`)
			w.click("button", "Review and commit")
			w.see(".review .difference", "carol")
		}},
		{"conflict", func(w *window) {
			s.patch(path, `{"owner":"dave","interval":6}`, "")
			w.click(".notice button", "Compare three ways")
			w.see(".three-ways .in-conflict", "/owner")
		}},
		{"progress", func(w *window) {
			w.click(".in-conflict label", "yours")
			w.click(".conflict button", "Use the result")
			w.click(".review button", "Commit")
			w.see(".progress", "Committed")
		}},
		{"absent", func(w *window) { w.open(s, "live/nowhere"); w.see(".notice", "no document here") }},
	}
}

// fillExample gives the document some history and listeners of every condition.
func fillExample(t *testing.T, s *site) {
	t.Helper()
	for i, owner := range []string{"bob", "ann", "bob", "ann"} {
		s.patch(path, fmt.Sprintf(`{"owner":%q,"interval":%d}`, owner, 10+i), []string{"a new owner", "back again", "", "for good"}[i])
	}
	s.commandLine("set", path, "/limits/cpu", "0.25", "--reason", "it was too hot")
	for i := range 30 {
		s.call("PUT", fmt.Sprintf("documents/%s/service-%02d", []string{"fleet/eu", "fleet/us", "jobs"}[i%3], i), "", `{"on":true}`)
	}
	first, err := store.ParseVersion(historyOf(t, s)[0].Version)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []zkstate.Listener{
		{ID: "agent-old", Host: "web-7", PID: 812, App: "procwatch", Applied: first, Status: zkstate.StatusApplied},
		{ID: "agent-strict", Host: "web-9", PID: 77, App: "procwatch", Applied: first, Status: zkstate.StatusRejected, Reason: "/interval: 13 is not a multiple of 5"},
	} {
		record, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.Announce(t.Context(), path, l.ID, record); err != nil {
			t.Fatal(err)
		}
	}
}

type entry struct{ Version string }

func historyOf(t *testing.T, s *site) []entry {
	t.Helper()
	var answer struct{ Entries []entry }
	if err := json.Unmarshal([]byte(s.call("GET", "history"+path, "", "")), &answer); err != nil || len(answer.Entries) == 0 {
		t.Fatalf("%d entries, %v", len(answer.Entries), err)
	}
	return answer.Entries
}

// readAxe reads what scripts/browser got.
func readAxe(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(cache, "zkstate", "axe-core-*.js"))
	if err != nil || len(found) == 0 {
		if os.Getenv("ZKSTATE_REQUIRE_BROWSER") != "" {
			t.Fatal("there is no axe-core: scripts/browser gets it")
		}
		t.Skip("there is no axe-core: scripts/browser gets it")
	}
	source, err := os.ReadFile(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// audit has axe look at the window. Minor findings are logged.
func (w *window) audit(axe, name string) {
	w.t.Helper()
	if !eval[bool](w, `window.axe !== undefined`) {
		eval[bool](w, axe+"\n;true")
	}
	for _, found := range eval[[]string](w, `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
		violations.map((v) => v.impact + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ' ' + (n.any[0]?.message ?? '')).join(' | ')))`) {
		if found[:4] == "seri" || found[:4] == "crit" {
			w.t.Errorf("%s: %s", name, found)
		} else {
			w.t.Logf("%s: %s", name, found)
		}
	}
}
