package zkstate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

// wait says which listeners a call waits for after its commit; see [WaitAll].
type wait struct {
	wanted bool
	least  int           // 0: all
	within time.Duration // from the commit on; 0: as long as the context
}

// WaitAll makes Update, Rollback or Delete wait, after the commit, until all listeners of
// the document have applied it, which is until reads of those States serve that version or
// a later one, or say that the document is deleted. A listener that closes is not waited
// for, and one that comes is. One that vanishes without closing, because its session was
// lost or its process was killed, may still serve what it has: it is waited for until
// it is back, or until its MaxStaleness has passed since the commit.
//
// The listeners are told by the commit that somebody waits, and report at once: one write
// each. An update that changes nothing tells nobody; then it can take as long as reports
// that nobody waits for do, see [Quiet]. The waiter watches the records, and reads each
// of them about once.
//
// The wait ends with the context, or with [WaitTimeout], and sooner if nobody is left to
// wait for but those who reject the document. Then the call returns the version, which is
// committed all the same, together with a [NotAppliedError].
func WaitAll() UpdateOption {
	return func(c *updateConfig) { c.wait.wanted, c.wait.least = true, 0 }
}

// WaitFor is like [WaitAll], but waits for any n listeners, not counting the State that
// waits. Less than 1 counts as 1. Of several WaitAll and WaitFor the last one counts.
func WaitFor(n int) UpdateOption {
	return func(c *updateConfig) { c.wait.wanted, c.wait.least = true, max(n, 1) }
}

// WaitTimeout bounds the wait of [WaitAll] or [WaitFor], from the commit on. Zero or less,
// and without this option, the context alone bounds it.
func WaitTimeout(d time.Duration) UpdateOption {
	return func(c *updateConfig) { c.wait.within = max(d, 0) }
}

// NotAppliedError says who has applied a version that was waited for, and who has
// not. It matches [ErrNotApplied], and the context's error if that ended the wait.
type NotAppliedError struct {
	Path     string
	Version  Version    // that was committed; zero: the document was deleted
	Applied  []Listener // have it, or a later one
	Rejected []Listener // refuse it; Reason says why
	Silent   []Listener // have not said anything of it yet, or are lost
	cause    error
	unlisted error // why the listeners could not be read when last asked for
}

// Error implements error.
func (e *NotAppliedError) Error() string {
	var parts []string
	for _, l := range e.Rejected {
		parts = append(parts, printable.Line(fmt.Sprintf("%s rejects it (%s)", l.ID, l.Reason)))
	}
	var silent []string
	for _, l := range e.Silent {
		if l.Status == StatusUnknown {
			parts = append(parts, printable.Line(fmt.Sprintf("%s is not known to have it (%s)", l.ID, l.Reason)))
		} else {
			silent = append(silent, printable.Line(l.ID))
		}
	}
	if len(silent) > 0 {
		parts = append(parts, "nothing heard from "+strings.Join(silent, ", "))
	}
	switch {
	case e.unlisted != nil:
		parts = append(parts, fmt.Sprintf("it cannot be seen who listens (%v)", e.unlisted))
	case len(parts) == 0:
		parts = append(parts, "there are not as many listeners")
	}
	what := "version " + e.Version.String()
	if e.Version.IsZero() {
		what = "the deletion"
	}
	return fmt.Sprintf("%s: %s is committed, and %d applied it: %s", e.Path, what, len(e.Applied), strings.Join(parts, "; "))
}

// Unwrap returns what ended the wait, if it was an error.
func (e *NotAppliedError) Unwrap() error { return e.cause }

// Is reports whether target is [ErrNotApplied].
func (e *NotAppliedError) Is(target error) bool { return target == ErrNotApplied }

// awaitApplied waits until those listeners have applied version, which is committed.
func (st *State[T]) awaitApplied(ctx context.Context, version Version, wait wait) error {
	committed := time.Now()
	if wait.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait.within)
		defer cancel()
	}
	records := st.store.WatchListeners(st.path)
	defer records.Stop()
	p := &progress{version: version, least: wait.least, self: st.isOwn, listeners: make(map[string]Listener), unread: 1}
	for retry := (backoff{max: 500 * time.Millisecond, last: 4 * time.Millisecond}); ; {
		err := st.awaitReports(ctx, p, records, &retry)
		p.slow = p.slow || time.Since(committed) >= slowReports
		if err == nil && p.wantsAbsent() {
			p.absent, err = st.outstanding(ctx, p, committed)
			p.asked = err == nil
		}
		if err == nil || ctx.Err() == nil { // else the time is what it failed for
			p.unlisted = err
		}
		switch done, failed := p.isOver(); {
		case st.isClosed():
			return st.errClosed("wait for listeners of")
		case err == nil && done:
			return nil
		case err == nil && failed:
			return p.report(st.path, nil)
		case ctx.Err() != nil:
			return p.report(st.path, ctx.Err())
		case err != nil && !errors.Is(err, ErrUnavailable):
			return p.report(st.path, err)
		case err != nil && !retry.wait(ctx):
			return p.report(st.path, ctx.Err())
		}
	}
}

// slowReports is how long after the commit the store is asked for absent listeners at the
// latest. Most waits end before.
const slowReports = 10 * time.Millisecond

// awaitReports waits for changes of the records. While a listener is absent the wait is short,
// because the records do not show that it has withdrawn, or that its time has passed. So it
// is before the store was first asked for them.
func (st *State[T]) awaitReports(ctx context.Context, p *progress, records store.ListenerWatcher, retry *backoff) error {
	until := ctx
	if len(p.absent) > 0 || !p.asked && p.unread == 0 {
		var cancel context.CancelFunc
		until, cancel = context.WithTimeout(ctx, retry.next())
		defer cancel()
	}
	var changes store.ListenerNews
	err := st.protect(func() (err error) {
		changes, err = records.Next(until)
		return err
	})
	if err == nil {
		p.update(changes)
	} else if ctx.Err() == nil && until.Err() != nil {
		return nil
	}
	return err
}

// outstanding returns the listeners that vanished and may still serve a version from before
// the commit. What such a listener serves was verified before the commit, so it stops when
// its MaxStaleness has passed since. The store is asked for them after the records were
// read, so that a listener that comes or goes meanwhile is found in one of the two.
func (st *State[T]) outstanding(ctx context.Context, p *progress, committed time.Time) (outstanding []Listener, _ error) {
	absent, err := st.absentees(ctx, slices.Collect(maps.Keys(p.listeners)))
	if err != nil {
		return nil, err
	}
	var gone []absentee
	for _, l := range absent {
		if time.Since(committed) <= l.MaxStaleness {
			outstanding = append(outstanding, l.Listener)
		} else {
			gone = append(gone, l)
		}
	}
	st.forget(ctx, gone)
	return outstanding, nil
}
