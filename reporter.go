package zkstate

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// reportPause is the least time between two reports of one State that nobody waits for.
	reportPause = time.Second
	// reportRate is how many of those all listeners of a document make a second, together.
	reportRate = 50
)

// reporter keeps a State's listener record true. It has no goroutine but while it writes.
//
// A change that somebody waits for is reported at once. All others are reported at a rate
// that is the document's and not the listener's: where there are more than reportRate
// listeners, each pauses for longer, and reports the first change after its pause at some
// moment of another one.
type reporter struct {
	reports reports

	mu        sync.Mutex  // guards all below
	timer     *time.Timer // nil before start
	scheduled bool        // the timer runs
	writing   bool        // a report is on its way
	dirty     bool        // something has changed since it began
	urgent    bool        // somebody waits for that
	failed    bool        // the last one was not written
	written   []byte      // the last one that was, nil before the first
	order     int64       // of the version that it is about
	last      time.Time   // when the last one ended
	listeners int         // that the document had then; 0: it is not known
}

// reports is what a reporter wants of its State.
type reports interface {
	report() (data []byte, order int64) // what is to be said now, and of which version
	announce(data []byte) error
	countListeners() int // 0: it cannot be found out
	isClosed() bool
	startTask(fn func()) bool
}

// start makes reports begin. announced is what was written already, about a version of
// that order; nil if nothing was.
func (r *reporter) start(of reports, announced []byte, order int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reports, r.written, r.order, r.last = of, announced, order, time.Now()
	r.timer = time.AfterFunc(time.Hour, func() { of.startTask(r.run) })
	r.timer.Stop()
	r.dirty, r.urgent = announced == nil, announced == nil
	r.scheduleLocked()
}

// stop lets no report begin any more. One that is being written is among the State's tasks.
func (r *reporter) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
}

// changed notes that there is something to be reported. Somebody waits for it if awaited
// is the order of a version that was not reported yet.
func (r *reporter) changed(awaited int64, deleted, quiet bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer == nil || quiet && r.written != nil {
		return
	}
	r.dirty = true
	r.urgent = r.urgent || deleted || awaited > r.order
	r.scheduleLocked()
}

// scheduleLocked sets the timer, if nobody has, and unless a report is on its way, which
// sets it afterwards.
func (r *reporter) scheduleLocked() {
	now := r.urgent && !r.failed
	if !r.dirty || r.writing || r.scheduled && !now || r.reports.isClosed() {
		return
	}
	r.scheduled = true
	if now {
		r.timer.Reset(0)
	} else {
		r.timer.Reset(time.Until(r.dueLocked()))
	}
}

// dueLocked draws when to report.
func (r *reporter) dueLocked() time.Time {
	pause, due := reportPause, time.Now()
	if all := time.Duration(r.listeners) * time.Second / reportRate; all > pause && !r.urgent {
		pause, due = all, due.Add(rand.N(all))
	}
	if next := r.last.Add(jitter(pause)); next.After(due) {
		return next
	}
	return due
}

// run makes one report. Before one that nobody waits for it finds out how many listeners
// there are. If it did not know, and they are many, it has come too early.
func (r *reporter) run() {
	r.mu.Lock()
	r.scheduled = false
	if r.writing {
		r.mu.Unlock()
		return
	}
	r.writing, r.dirty = true, false
	urgent, known, written := r.urgent, r.listeners, r.written
	r.urgent = false
	r.mu.Unlock()

	listeners := known
	if !urgent {
		listeners = r.reports.countListeners()
	}
	early := known == 0 && listeners > reportRate && !urgent
	data, order := r.reports.report()
	var err error
	if !early && !bytes.Equal(data, written) {
		err = r.reports.announce(data)
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	r.writing = false
	if listeners > 0 {
		r.listeners = listeners
	}
	switch {
	case early:
		r.dirty = true
	case err != nil:
		r.failed, r.dirty, r.urgent, r.last = true, true, r.urgent || urgent, time.Now()
	default:
		r.failed, r.written, r.order, r.last = false, data, order, time.Now()
	}
	r.scheduleLocked()
}
