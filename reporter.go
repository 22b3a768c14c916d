package zkstate

import (
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// reportPause is the least time between two reports of one State that nobody waits for.
	reportPause = time.Second
	// reportRate is how many such reports all listeners of a document write per second, together.
	reportRate = 50
)

// reporter keeps a State's listener record up to date. It has a goroutine only while it
// writes.
//
// A change that a waiter waits for is reported at once. For all other changes the rate is
// limited for the document as a whole: if it has more than reportRate listeners, each
// listener pauses for longer, and reports the first change after its pause at a random
// moment within another pause.
type reporter struct {
	mu        sync.Mutex  // guards all below
	reports   reports     // nil before start
	timer     *time.Timer // nil before the first report that is not urgent
	scheduled bool        // the timer runs
	writing   bool        // a report is on its way
	dirty     bool        // something has changed since it began
	urgent    bool        // a waiter waits for that report
	failed    bool        // the last one was not written
	written   uint64      // the fingerprint of the last one that was, 0 before the first
	order     int64       // the order of the version that the last report was about
	last      time.Time   // when the last one ended
	listeners int         // how many listeners the document had then; 0: not known
}

// reports is what a reporter needs from its State.
type reports interface {
	report() (data []byte, order int64) // the record to write, and the order of its version
	announce(data []byte) error
	countListeners() int // 0: not known
	isClosed() bool
	startTask(fn func()) bool
}

// start begins reporting. announced is the record that was written already, nil if none
// was; order is the order of its version.
func (r *reporter) start(of reports, announced []byte, order int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reports, r.order, r.last = of, order, time.Now()
	if announced != nil {
		r.written = fingerprint(announced)
	}
	r.dirty, r.urgent = announced == nil, announced == nil
	r.scheduleLocked()
}

// stop prevents further reports. It does not wait for one that is being written, which is
// one of the State's tasks.
func (r *reporter) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
}

// changed notes that there is something to report. awaited is the order of the newest
// version that a waiter waits for; if that is not reported yet, the report is urgent.
// A quiet change does not cause a report once one has been written.
func (r *reporter) changed(awaited int64, deleted, quiet bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reports == nil || quiet && r.written != 0 {
		return
	}
	r.dirty = true
	r.urgent = r.urgent || deleted || awaited > r.order
	r.scheduleLocked()
}

// pending reports whether a record that says what the copy is at that point of the store's
// order is still to be written.
func (r *reporter) pending(order int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reports != nil && (r.dirty || r.writing || r.order != order)
}

// scheduleLocked begins a report that is urgent, and sets the timer for another one if it is
// needed and none is scheduled. While a report is being written it does nothing, because run
// calls it again afterwards.
func (r *reporter) scheduleLocked() {
	now := r.urgent && !r.failed
	if !r.dirty || r.writing || r.scheduled && !now || r.reports.isClosed() {
		return
	}
	if now {
		r.scheduled = false // the timer may run on; what is due later sets it anew
		r.reports.startTask(r.run)
		return
	}
	r.scheduled = true
	pause := time.Until(r.dueLocked())
	if r.timer == nil {
		r.timer = time.AfterFunc(pause, func() { r.reports.startTask(r.run) })
	} else {
		r.timer.Reset(pause)
	}
}

var fingerprintSeed = maphash.MakeSeed()

// fingerprint tells one text from another. It is not 0.
func fingerprint(text []byte) uint64 { return maphash.Bytes(fingerprintSeed, text) | 1 }

// dueLocked returns when to report next. The moment is partly random, so that listeners do
// not report at the same time.
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

// run writes one report, if one is needed still. Before a report that is not urgent it counts the listeners. If
// their number was not known, and there are many, the report is put off.
func (r *reporter) run() {
	r.mu.Lock()
	r.scheduled = false
	if r.writing || !r.dirty {
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
	sum := fingerprint(data)
	var err error
	if !early && sum != written {
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
		r.failed, r.written, r.order, r.last = false, sum, order, time.Now()
	}
	r.scheduleLocked()
}
