package pagetest

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A change shows where it happened, with who and why, in a window that only looks.
func TestChangesShowWhereTheyHappen(t *testing.T) {
	s := newExample(t)
	w := newWindow(t, 1280, 800)
	w.open(s, "live"+path)
	w.see(".row", "9007199254740993") // no digit is lost
	s.patch(path, `{"interval":7,"note":"hot"}`, "more often")
	w.see(".row.changed-modified", "7")
	w.see(".row.changed-modified", `"hot"`)
	w.see(".recent .reason", "more often")
	w.see(".recent", "ann")
	if marked := eval[int](w, `document.querySelectorAll('.row[class*=changed]').length`); marked != 2 {
		t.Errorf("%d rows are marked, want 2", marked)
	}
	s.call("PATCH", "documents"+path, "", `{"processes":["a*","systemd*","rsync*"]}`)
	w.see(".row.changed-added", "a*")
	rows := eval[string](w, `[...document.querySelectorAll('.live .row')].map((row) => row.innerText.replace(/\s+/g, ' ').trim()).join('|')`)
	if !strings.Contains(rows, `0: "a*"|1: "systemd*"|2: "rsync*"`) {
		t.Errorf("the rows are %s", rows)
	}
	s.call("DELETE", "documents"+path, "pointer=/debug", "")
	w.see(".row.changed-removed", "members")
	w.until(`![...document.querySelectorAll('.row')].some((row) => row.textContent.includes('debug'))`)
	s.call("DELETE", "documents"+path, "", "")
	w.see(".notice", "deleted")
	s.create(path, example)
	w.see(".row", "interval")
	w.until(`!document.querySelector('.live-value .notice')`)
}

// All that a mouse does can be done with keys.
func TestKeyboard(t *testing.T) {
	s := newExample(t)
	s.create("/app/other", `{"a":{"b":1}}`)
	w := newWindow(t, 1280, 800)
	w.open(s, "")
	w.see(".documents .row", "config")
	w.press(kb.Tab)
	w.until(`document.activeElement.id === 'skip'`)
	for !eval[bool](w, `document.activeElement.getAttribute('role') === 'tree'`) {
		w.press(kb.Tab)
	}
	w.press(kb.End + kb.Enter)
	w.see("h1", "/app/other")
	w.until(`document.activeElement.tagName === 'H1'`)
	for !eval[bool](w, `document.activeElement.matches('.live .tree')`) {
		w.press(kb.Tab)
	}
	active := `document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))`
	w.press(kb.ArrowDown + kb.ArrowDown)
	w.until(active + `.textContent.includes('a:') && ` + active + `.getAttribute('aria-expanded') === 'true'`)
	w.press(kb.ArrowLeft)
	w.until(active + `.getAttribute('aria-expanded') === 'false'`)
	w.press(kb.ArrowRight + kb.ArrowRight)
	w.until(active + `.textContent.includes('b:') && ` + active + `.getAttribute('aria-level') === '3'`)
	w.see(".detail code", "/a/b")
	w.press(kb.ArrowLeft)
	w.until(active + `.textContent.includes('a:')`)
}

// The page says that the server is gone, and recovers by itself, changes of meanwhile
// included.
func TestLostServer(t *testing.T) {
	s := newExample(t)
	w := newWindow(t, 1280, 800)
	w.open(s, "live"+path)
	w.see("#connection", "Connected")
	w.see(".row", "interval")
	s.stop()
	w.see("#connection", "does not answer")
	w.shoot("lost-server")
	s.listen("agent-3", "procwatch")
	change(t, s, func(c *config) { c.Interval = 9 })
	s.start()
	w.see("#connection", "Connected")
	w.see(".row.changed-modified", "9")
	w.see(".facts", "3 of 3")
}

// A token is asked for where one is wanted, until it is right.
func TestToken(t *testing.T) {
	s := newSite(t, withToken)
	w := newWindow(t, 1280, 800)
	w.open(s, "")
	w.see("dialog h2", "wants a token")
	w.replace("dialog input", "wrong")
	w.press(kb.Enter)
	w.see("dialog .notice", "did not accept")
	w.shoot("token")
	w.replace("dialog input", testToken)
	w.press(kb.Enter)
	w.see(".documents", "0 documents")
	w.run(chromedp.Reload())
	w.see(".documents", "0 documents") // it is kept in the tab
}
