package procwatch

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// host is a fake host and the agent that watches it, in a synctest bubble. While
// the agent runs, its fields are changed by set only.
type host struct {
	t *testing.T

	mu          sync.Mutex // guards all below, except changed and log, while the agent runs
	procs       []Process
	listErr     error
	settings    Settings
	settingsErr error
	changed     chan struct{}
	looks       []time.Duration // when, since the start
	reports     [][]Event
	log         bytes.Buffer
}

func newHost(t *testing.T, interval time.Duration, globs ...string) *host {
	return &host{t: t, settings: Settings{globs, Duration(interval)}, changed: make(chan struct{}, 1)}
}

// watch runs test with an agent running, ends the agent, and checks that it ends
// at once and without an error.
func (h *host) watch(test func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := h.start(ctx)
	synctest.Wait()
	test()
	ended := time.Now()
	cancel()
	if err := <-done; err != nil {
		h.t.Errorf("Run = %v after its context ended, want nil", err)
	}
	if d := time.Since(ended); d != 0 {
		h.t.Errorf("Run returned %v after its context ended", d)
	}
}

func (h *host) start(ctx context.Context) <-chan error {
	start := time.Now()
	a := Agent{
		List: func(context.Context) ([]Process, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.looks = append(h.looks, time.Since(start))
			return h.procs, h.listErr
		},
		Log: slog.New(slog.NewTextHandler(&h.log, nil)),
	}
	done := make(chan error, 1)
	go func() {
		done <- a.Run(ctx,
			func() (Settings, error) {
				h.mu.Lock()
				defer h.mu.Unlock()
				return h.settings, h.settingsErr
			},
			h.changed,
			func(events []Event) { h.reports = append(h.reports, events) })
	}()
	return done
}

func (h *host) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// advance lets d of fake time pass and everything settle.
func advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (h *host) wantLooks(seconds ...float64) {
	h.t.Helper()
	var want []time.Duration
	for _, s := range seconds {
		want = append(want, time.Duration(s*float64(time.Second)))
	}
	if diff := cmp.Diff(want, h.looks); diff != "" {
		h.t.Errorf("looks (-want +got):\n%s", diff)
	}
}

func (h *host) wantReports(want ...[]Event) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.reports); diff != "" {
		h.t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// wantLog checks the lines logged, each by a text in it.
func (h *host) wantLog(want ...string) {
	h.t.Helper()
	got := strings.Split(strings.TrimSuffix(h.log.String(), "\n"), "\n")
	if len(got) != len(want) {
		h.t.Fatalf("log has %d lines, want %d:\n%s", len(got), len(want), h.log.String())
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			h.t.Errorf("log line %d = %s, want %q in it", i, got[i], want[i])
		}
	}
}

func TestRunLooksEveryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, 2*time.Second, "vi*")
		h.watch(func() {
			advance(3 * time.Second)
			h.set(func() { h.procs = []Process{{1, "vi"}} })
			advance(4 * time.Second)
			h.set(func() { h.procs = nil })
			advance(2 * time.Second)
		})
		h.wantLooks(0, 2, 4, 6, 8)
		h.wantReports([]Event{came(1, "vi", "vi*")}, []Event{gone(1, "vi", "vi*")})
	})
}

func TestRunLooksAtOnceWhenChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, 10*time.Second, "vi*")
		h.procs = []Process{{1, "vi"}, {2, "firefox"}}
		h.watch(func() {
			advance(3 * time.Second)
			h.set(func() { h.settings = Settings{[]string{"vi*", "firefox*"}, Duration(time.Second)} })
			h.changed <- struct{}{}
			advance(1500 * time.Millisecond)
		})
		// One timer: the look that was due at 10 s moved to an interval after 3 s.
		h.wantLooks(0, 3, 4)
		h.wantReports([]Event{came(1, "vi", "vi*")}, []Event{came(2, "firefox", "firefox*")})
	})
}

func TestRunOutlivesChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, time.Second)
		h.watch(func() {
			close(h.changed)
			advance(1500 * time.Millisecond)
		})
		h.wantLooks(0, 1)
	})
}

func TestRunKeepsLastSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, time.Second, "vi*")
		h.watch(func() {
			h.set(func() {
				h.settingsErr = errors.New("stale by 31s")
				h.procs = []Process{{1, "vi"}}
			})
			advance(2500 * time.Millisecond)
			h.set(func() {
				h.settingsErr = nil
				h.settings = Settings{[]string{"["}, 0} // an interval of 0 would spin
			})
			advance(2 * time.Second)
			h.set(func() { h.settings = Settings{nil, Duration(time.Second)} })
			advance(time.Second)
		})
		h.wantLooks(0, 1, 2, 3, 4, 5)
		h.wantReports([]Event{came(1, "vi", "vi*")}, []Event{gone(1, "vi", "vi*")})
		h.wantLog("stale by 31s", "processes[0]", "settings available again")
	})
}

func TestRunWaitsForFirstSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, time.Minute, "vi*")
		h.settingsErr = errors.New("nothing yet")
		h.watch(func() {
			advance(2500 * time.Millisecond)
			h.set(func() { h.settingsErr = nil })
			advance(time.Second)
		})
		h.wantLooks(3)
		h.wantLog("nothing yet", "settings available again")
	})
}

func TestRunSurvivesFailedListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, time.Second, "vi*")
		h.procs = []Process{{1, "vi"}}
		h.watch(func() {
			h.set(func() { h.procs, h.listErr = nil, errors.New("too many open files") })
			advance(2500 * time.Millisecond)
			h.set(func() { h.procs, h.listErr = []Process{{1, "vi"}, {2, "vim"}}, nil })
			advance(time.Second)
		})
		h.wantLooks(0, 1, 2, 3)
		h.wantReports([]Event{came(1, "vi", "vi*")}, []Event{came(2, "vim", "vi*")})
		h.wantLog("too many open files", "can be listed again")
	})
}

func TestRunFailsWhereNothingCanBeListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, time.Second)
		h.listErr = errors.New("not implemented")
		if err := <-h.start(t.Context()); !errors.Is(err, h.listErr) {
			t.Errorf("Run = %v, want the listing's error", err)
		}
	})
}

func TestRunWithEndedContextDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := <-h.start(ctx); err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		h.wantLooks()
	})
}

func TestRunOnThisHost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	settings := func() (Settings, error) {
		return Settings{[]string{"*"}, Duration(MinInterval)}, nil
	}
	var events []Event
	err := Run(ctx, settings, nil, func(e []Event) { events = e; cancel() })
	if err != nil || len(events) == 0 {
		t.Errorf("Run = %v with %d events, want nil and this process at least", err, len(events))
	}
}
