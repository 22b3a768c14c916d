// Package pagetest puts the page of zkstate serve through what people do with it, in a
// real browser. scripts/browser makes available what it needs.
package pagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience bounds each wait. It is long, because machines that run tests are busy.
const patience = 30 * time.Second

// browser is the one that all tests share, nil if there is none here.
var browser context.Context

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

// scratch is a folder for what all tests share.
var scratch string

func runTests(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "zkstate-page"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	path := os.Getenv("ZKSTATE_CHROMIUM")
	for _, name := range []string{"chromium", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	if path == "" {
		if os.Getenv("ZKSTATE_REQUIRE_BROWSER") != "" {
			fmt.Fprintln(os.Stderr, "there is no browser: scripts/browser installs one, ZKSTATE_CHROMIUM names one")
			return 1
		}
		return m.Run()
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("lang", "en-US"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has no sandbox for root
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, closeBrowser := chromedp.NewContext(allocator)
	defer closeBrowser()
	if err := chromedp.Do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "start", path+":", err)
		return 1
	}
	browser = ctx
	return m.Run()
}

// window is one of the browser, with storage of its own.
type window struct {
	t      testing.TB
	ctx    context.Context
	errors *errorLog
}

// newWindow opens one, which is closed when the test ends. What the page logs as an
// error, an exception or a violation of its policy fails the test.
func newWindow(t testing.TB, width, height int64) *window {
	t.Helper()
	if browser == nil {
		t.Skip("there is no browser: scripts/browser installs one")
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	w := &window{t: t, ctx: ctx, errors: &errorLog{}}
	if err := chromedp.Do(ctx); err != nil { // the first call has the life of the window
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, w.listen); err != nil {
		t.Fatal(err)
	}
	w.run(chromedp.EmulateViewport(width, height))
	t.Cleanup(func() {
		for _, problem := range w.errors.all() {
			t.Errorf("the page said: %s", problem)
		}
	})
	return w
}

// listen takes the events of the window. To leave a text that is not committed is allowed.
func (w *window) listen(event any) {
	dialog, ok := event.(*page.EventJavascriptDialogOpening)
	if !ok || dialog.Type != page.DialogTypeBeforeunload {
		w.errors.listen(event)
		return
	}
	go chromedp.Call(w.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true}) // a listener must not wait
}

func (w *window) run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.t.Fatal(err)
	}
}

// shown is what a person could read, for messages.
func (w *window) shown() string {
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// open goes to a view of a document, as in "live/app/config", "" for the list.
func (w *window) open(s *site, view string) {
	w.t.Helper()
	w.run(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"#"+view))
}

// eval evaluates an expression and gives what it is.
func eval[T any](w *window, expression string) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatalf("%s: %v; the page shows:\n%s", expression, err, w.shown())
	}
	return value
}

// until waits until an expression holds.
func (w *window) until(expression string) {
	w.t.Helper()
	eval[bool](w, fmt.Sprintf(`new Promise((done, fail) => {
		const late = Date.now() + %d
		const look = () => {
			try { if (%s) return done(true) } catch {}
			if (Date.now() > late) return fail(new Error('that never held'))
			setTimeout(look, 20)
		}
		look()
	})`, (patience-2*time.Second).Milliseconds(), expression))
}

// find is an expression for the first element of a selector whose text has a part.
func find(selector, part string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.checkVisibility() && e.textContent.includes(%s))`, quote(selector), quote(part))
}

func quote(text string) string {
	quoted, _ := json.Marshal(text) // a string has no error
	return string(quoted)
}

// see waits until an element of a selector shows a text.
func (w *window) see(selector, part string) {
	w.t.Helper()
	w.until(find(selector, part))
}

// click clicks the first element of a selector whose text has a part, as a mouse does.
func (w *window) click(selector, part string) {
	w.t.Helper()
	w.until(find(selector, part) + " && !" + find(selector, part) + ".disabled")
	at := eval[[2]float64](w, fmt.Sprintf(`(() => { const e = %s; e.scrollIntoView({ block: 'center' })
		const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`, find(selector, part)))
	w.run(chromedp.MouseClickXY(at[0], at[1]))
}

// replace types a text in place of what a field has.
func (w *window) replace(selector, text string) {
	w.t.Helper()
	w.see(selector, "")
	eval[bool](w, fmt.Sprintf(`(() => { const e = document.querySelector(%s); e.focus(); e.select(); return true })()`, quote(selector)))
	w.press(kb.Backspace)
	w.insert(text)
}

// insert puts a text where the cursor is, at once.
func (w *window) insert(text string) {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *window) press(keys string) {
	w.t.Helper()
	w.run(chromedp.KeyEvent(keys))
}

// scheme makes the page light or dark.
func (w *window) scheme(name string) {
	w.t.Helper()
	_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// shoot keeps a picture of the window as NAME.png, in ZKSTATE_SCREENSHOTS if that is set.
func (w *window) shoot(name string) {
	w.t.Helper()
	folder := os.Getenv("ZKSTATE_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, "/", "-")+".png"), picture, 0o644); err != nil {
		w.t.Fatal(err)
	}
}
