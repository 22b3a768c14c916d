package pagetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// stored is the document as it is in the store.
func (s *site) stored() string {
	s.t.Helper()
	return s.call("GET", "documents"+path, "consistent=true", "")
}

// typeOver replaces one text by another in the editor.
func (w *window) typeOver(old, text string) {
	w.t.Helper()
	w.until(fmt.Sprintf(`document.querySelector('.edit textarea').value.includes(%s)`, quote(old)))
	eval[bool](w, fmt.Sprintf(`(() => { const e = document.querySelector('.edit textarea'), at = e.value.indexOf(%[1]s)
		e.focus(); e.setSelectionRange(at, at + %[1]s.length); return true })()`, quote(old)))
	w.insert(text)
}

// commit reviews and commits what is in the editor.
func (w *window) commit(reason string) {
	w.t.Helper()
	w.click("button", "Review and commit")
	w.see(".review h2", "What this changes")
	w.see(".review .changes", "")
	w.replace(".review input[type=text]", reason)
	w.click(".review button", "Commit")
}

// Two windows and the command line edit at once: nothing is overwritten, and the one who
// comes late decides between three versions.
func TestConflict(t *testing.T) {
	s := newExample(t)
	first, second := newWindow(t, 1280, 800), newWindow(t, 1280, 800)
	for _, w := range []*window{first, second} {
		w.open(s, "edit"+path)
		w.see(".edit .bar-of-tools", "Good JSON")
	}
	first.typeOver(`"interval": 5`, `"interval": 6`)
	second.typeOver(`"interval": 5`, `"interval": 8`)
	second.typeOver(`"debug": false`, `"debug": true`)
	s.commandLine("set", path, "/owner", `"bob"`, "--reason", "a new owner")

	first.see(".notice", "Meanwhile somebody committed version 1")
	first.click("button", "Compare three ways")
	first.see(".conflict p", "different places")
	first.see(".three-ways tr", "/owner")
	first.click(".conflict button", "Use the result")
	first.see(".review .changes", "/interval")
	first.click(".review button", "Commit")
	first.see(".review h2", "Committed")

	second.click("button", "Review and commit")
	second.see(".conflict p", "Both changed the same 1 place")
	second.see(".three-ways .in-conflict", "/interval")
	second.shoot("conflict-two-windows")
	if now := s.stored(); !strings.Contains(now, `"interval":6`) || !strings.Contains(now, `"owner":"bob"`) || !strings.Contains(now, `"debug":false`) {
		t.Fatalf("the conflict left %s", now)
	}
	if !eval[bool](second, find(".conflict button", "Use the result")+`.disabled`) {
		t.Error("a conflict that is not decided can be used")
	}
	second.click(".in-conflict label", "yours")
	second.click(".conflict button", "Use the result")
	second.see(".review .changes", "/debug")
	second.click(".review button", "Commit")
	second.see(".review h2", "Committed")
	want := `{"processes":["systemd*","rsync*"],"interval":8,"owner":"bob","limits":{"cpu":0.5,"memory":9007199254740993},"debug":true,"note":null}`
	if now := s.stored(); now != want {
		t.Errorf("three edits made %s\nwant %s", now, want)
	}
}

// The text is checked while it is typed, and what is not committed stays when one looks
// at another view.
func TestChecksWhileTyping(t *testing.T) {
	s := newExample(t)
	w := newWindow(t, 1280, 800)
	w.open(s, "edit"+path)
	w.typeOver(`"debug": false`, `"debug": fals`)
	w.see("#edit-check", "line 12, column 12: a value is expected here")
	w.until(find("button", "Review and commit") + `.disabled`)
	w.shoot("bad-text")
	w.click("#edit-check button", "Go there")
	if got := eval[int](w, `document.querySelector('.edit textarea').selectionStart`); got == 0 {
		t.Error("the place of the error is not chosen")
	}
	w.click("nav a", "Live")
	w.see(".row", "interval")
	w.click("nav a", "Edit")
	w.typeOver(`"debug": fals`, `"debug": false, "debug": 1`)
	w.see("#edit-check", `the key "debug" is there twice`)
	w.typeOver(`, "debug": 1`, ``)
	w.see("#edit-check", "Good JSON")
	w.click("button", "Review and commit")
	w.see(".review", "Nothing: the document says the same.")
	w.until(find(".review button", "Commit") + `.disabled`)
}

// A commit waits until all apply it; a program that rejects it is shown with its reason,
// and the one who committed can go back.
func TestRejectedByAListener(t *testing.T) {
	s := newExample(t)
	w := newWindow(t, 1280, 800)
	w.open(s, "edit"+path)
	w.typeOver(`"interval": 5`, `"interval": 500`)
	w.commit("much less often")
	w.see(".review h2", "Committed")
	w.see(".progress", "0 of 2 listeners on the newest version, 2 rejected")
	w.see(".missing", "interval is over 100")
	w.shoot("not-applied")
	w.click("nav a", "Listeners")
	w.see(".listeners .badge.bad", "rejected")
	w.see(".listeners .reason", "interval is over 100")
	w.click("nav a", "Live")
	w.see(".notice.bad", "2 listeners will not use this version")
	w.click("nav a", "History")
	w.click(".entry", "Version 0")
	w.click("button", "Go back to this version")
	w.see("dialog .changed-modified, dialog .line.added", "5")
	w.replace("dialog input", "it was not that")
	w.shoot("going-back")
	w.press(kb.Enter)
	w.see(".entry .reason", "it was not that")
	w.see(".facts", "2 of 2 listeners on the newest version")
	if now := s.stored(); now != example {
		t.Errorf("going back made %s\nwant %s", now, example)
	}
}

// What is stored may be no document at all: the last good one stays in sight, with what
// is wrong, and the next good one heals it.
func TestRejectedByTheServer(t *testing.T) {
	s := newExample(t)
	w := newWindow(t, 1280, 800)
	w.open(s, "live"+path)
	w.see(".row", "interval")
	s.write(path, `{"interval":`)
	w.see(".notice.bad", "no good JSON")
	w.see(".row", "interval")
	w.shoot("rejected")
	w.click("nav a", "Edit")
	w.see("#edit-check", "the text ends")
	s.write(path, `{"interval":6,"processes":[],"owner":"x"}`)
	w.click("nav a", "Live")
	w.see(".row", "6")
	w.until(`!document.querySelector('.live-value .notice')`)
}

// A document is created where there is none, with a history.
func TestCreate(t *testing.T) {
	s := newSite(t, nil)
	w := newWindow(t, 1280, 800)
	w.open(s, "")
	w.click("button", "New document")
	w.replace("dialog input", "/team a/config?#1")
	w.press(kb.Enter)
	w.see(".notice", "no document here yet")
	w.replace(".edit textarea", `{"a": 1}`)
	w.press(kb.Enter)
	w.click("button", "Review and commit")
	w.replace(".review input[type=text]", "a beginning")
	w.click(".review button", "Create")
	w.see(".review h2", "Committed")
	w.click("nav a", "History")
	w.see(".entry .reason", "a beginning")
	w.see(".documents .row", "config?#1")
}

// What somebody typed is not replaced by what arrives later, however slow that is.
func TestTypedTextStays(t *testing.T) {
	s := newExample(t)
	w := newWindow(t, 1280, 800)
	w.open(s, "edit"+path)
	w.see("#edit-check", "Good JSON")
	eval[bool](w, `(() => { // the next answer with the document waits for the test
		const real = window.fetch
		const held = new Promise((go) => { window.letGo = go })
		window.fetch = async (url, options) => {
			const answer = await real(url, options)
			if (String(url).includes('/v1/documents/') && !options.method) {
				window.asked = true
				await held
			}
			return answer
		}
		return true
	})()`)
	s.patch(path, `{"interval":6}`, "")
	w.until(`window.asked`)
	w.typeOver(`"owner": "ann"`, `"owner": "carol"`)
	eval[bool](w, `(window.letGo(), true)`)
	w.see(".notice", "Meanwhile somebody committed version 1")
	w.until(`document.querySelector('.edit textarea').value.includes('carol')`)
	w.click("button", "Compare three ways")
	w.see(".three-ways", "/interval")
}
