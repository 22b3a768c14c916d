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
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
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

func runTests(m *testing.M) int {
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
	if err := chromedp.Run(ctx); err != nil {
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
	chromedp.ListenTarget(ctx, w.errors.listen)
	w.run(chromedp.EmulateViewport(width, height))
	t.Cleanup(func() {
		for _, problem := range w.errors.all() {
			t.Errorf("the page said: %s", problem)
		}
	})
	return w
}

func (w *window) run(actions ...chromedp.Action) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		w.t.Fatalf("%v; the page shows:\n%s", err, w.shown())
	}
}

// shown is what a person could read, for messages.
func (w *window) shown() string {
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	var text string
	if err := chromedp.Run(ctx, chromedp.Evaluate(`document.body.innerText`, &text)); err != nil {
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
	var value T
	w.run(chromedp.Evaluate(expression, &value, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return value
}

// until waits until an expression holds.
func (w *window) until(expression string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	look := fmt.Sprintf(`new Promise((done) => {
		const look = () => { try { if (%s) return done(true) } catch {} setTimeout(look, 20) }
		look()
	})`, expression)
	err := chromedp.Run(ctx, chromedp.Evaluate(look, nil, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if err != nil {
		w.t.Fatalf("%s never held: %v; the page shows:\n%s", expression, err, w.shown())
	}
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
	w.run(chromedp.Focus(selector, chromedp.ByQuery), chromedp.Evaluate(`document.activeElement.select()`, nil), chromedp.KeyEvent(kb.Backspace))
	w.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return insertText(ctx, text)
	}))
}

func (w *window) press(keys string) {
	w.t.Helper()
	w.run(chromedp.KeyEvent(keys))
}

// scheme makes the page light or dark.
func (w *window) scheme(name string) {
	w.t.Helper()
	w.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}))
}

// shoot keeps a picture of the window as NAME.png, in ZKSTATE_SCREENSHOTS if that is set.
func (w *window) shoot(name string) {
	w.t.Helper()
	folder := os.Getenv("ZKSTATE_SCREENSHOTS")
	if folder == "" {
		return
	}
	var picture []byte
	w.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		picture, err = page.CaptureScreenshot().Do(ctx)
		return err
	}))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, "/", "-")+".png"), picture, 0o644); err != nil {
		w.t.Fatal(err)
	}
}
