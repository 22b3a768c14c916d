package procwatch

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Agent looks at the processes of this host again and again. The zero value is
// ready. The fields must not be changed while Run runs.
type Agent struct {
	List Lister       // nil: the function List
	Log  *slog.Logger // told what the agent works around; nil: nobody is
}

// Run is [Agent.Run] of an agent that lists this host's processes and logs to
// slog.Default().
func Run(ctx context.Context, settings func() (Settings, error), changed <-chan struct{}, report func([]Event)) error {
	a := Agent{Log: slog.Default()}
	return a.Run(ctx, settings, changed, report)
}

// Run looks at once, then one Interval after the last look ended, and without
// waiting whenever changed delivers. It asks settings anew before each look and
// calls report with what [Watcher.Update] returns, unless that is nothing.
//
// While settings fails, or returns what does not pass Validate, Run goes on with
// the last good ones; before there are any it looks at nothing and asks again
// after the default interval. When listing fails, Run tries again an Interval
// later, and takes nothing for gone meanwhile. Either is logged when it begins,
// when its reason changes, and when it is over, not at every look.
//
// Run blocks until ctx ends and then returns nil. It returns an error only if the
// very first listing fails: this host cannot be watched. settings and report are
// called one at a time, on the caller's goroutine; the events are report's to
// keep. changed should have capacity 1, so that a change during a look is not
// missed; it may be nil, and closing it means that no more changes are announced.
func (a *Agent) Run(ctx context.Context, settings func() (Settings, error), changed <-chan struct{}, report func([]Event)) error {
	l := newLoop(a)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-changed:
			if !ok {
				changed = nil
				continue
			}
		case <-timer.C:
		}
		if ctx.Err() != nil { // select chooses at random among the ready
			return nil
		}
		l.refresh(settings)
		events, err := l.look(ctx)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			report(events)
		}
		timer.Reset(time.Duration(l.last.Interval))
	}
}

// loop is the state of one Run.
type loop struct {
	list     Lister
	watcher  Watcher
	last     Settings // the last good ones; the default until there are any
	ready    bool     // there are good ones
	listed   bool     // listing has worked once
	settings trouble
	listing  trouble
}

func newLoop(a *Agent) *loop {
	l := &loop{list: a.List, last: Default()}
	if l.list == nil {
		l.list = List
	}
	log := cmp.Or(a.Log, slog.New(slog.DiscardHandler))
	l.settings = trouble{log: log, begins: "settings unavailable, keeping the last", over: "settings available again"}
	l.listing = trouble{log: log, begins: "processes cannot be listed, trying again", over: "processes can be listed again"}
	return l
}

func (l *loop) refresh(settings func() (Settings, error)) {
	s, err := settings()
	if err == nil {
		err = s.Validate()
	}
	if err == nil {
		l.last, l.ready = s, true
	}
	l.settings.note(err)
}

// look returns an error only if listing has never worked, and nothing if ctx ended.
func (l *loop) look(ctx context.Context) ([]Event, error) {
	if !l.ready {
		return nil, nil
	}
	procs, err := l.list(ctx)
	if ctx.Err() != nil {
		return nil, nil
	}
	if err != nil && !l.listed {
		return nil, fmt.Errorf("this host's processes cannot be watched: %w", err)
	}
	l.listing.note(err)
	if err != nil {
		return nil, nil
	}
	l.listed = true
	return l.watcher.Update(procs, l.last.Processes), nil
}

// trouble logs a condition when it begins, changes and ends.
type trouble struct {
	log          *slog.Logger
	begins, over string
	reason       string // of the trouble there is; "" for none
}

func (t *trouble) note(err error) {
	switch {
	case err == nil && t.reason != "":
		t.reason = ""
		t.log.Info(t.over)
	case err != nil && t.reason != err.Error():
		t.reason = err.Error()
		t.log.Warn(t.begins, "error", err)
	}
}
