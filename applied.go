package zkstate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/printable"
)

// AppliedBy says which listeners an update waits for; see [WaitApplied].
type AppliedBy struct {
	least  int // 0: all
	within time.Duration
}

// All are all listeners of the document except the State that waits.
func All() AppliedBy { return AppliedBy{} }

// AtLeast are any n listeners of the document, not counting the State that waits.
func AtLeast(n int) AppliedBy { return AppliedBy{least: max(n, 1)} }

// Within bounds the wait, from the commit on. Without it the context alone does.
func (by AppliedBy) Within(d time.Duration) AppliedBy {
	by.within = d
	return by
}

// WaitApplied makes Update, Rollback or Delete wait, after the commit, until those listeners
// have applied it, which is until reads of those States serve that version or a later
// one, or say that the document is deleted. A listener that closes is not waited for,
// and one that comes is. One that vanishes without closing, because its session was
// lost or its process was killed, may still serve what it has: it is waited for until
// it is back, or until its MaxStaleness has passed since the commit.
//
// If that does not come about, because of the time, or sooner because of those who
// reject the document, the call returns the version, which is committed all the same,
// together with a [NotAppliedError].
func WaitApplied(by AppliedBy) UpdateOption { return func(c *updateConfig) { c.appliedBy = &by } }

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
func (st *State[T]) awaitApplied(ctx context.Context, version Version, by AppliedBy) error {
	committed := time.Now()
	if by.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, by.within)
		defer cancel()
	}
	report := &NotAppliedError{Path: st.path, Version: version}
	for retry := (backoff{max: 500 * time.Millisecond, last: 4 * time.Millisecond}); ; {
		asked := time.Now()
		listeners, err := st.concerned(ctx, committed)
		switch {
		case err == nil:
			report.sort(listeners, st.own.is)
			if done, failed := report.verdict(by); failed {
				return report
			} else if done {
				return nil
			}
		case st.isClosed():
			return st.errClosed("wait for listeners of")
		case ctx.Err() == nil && !errors.Is(err, ErrUnavailable):
			report.cause = err
			return report
		}
		// Where listeners are many, looking takes long, and is not all that is done.
		if !pause(ctx, max(retry.next(), time.Since(asked))) {
			report.cause = ctx.Err()
			return report
		}
	}
}

// concerned returns who may serve something older than what was committed, or says
// that it does not. That includes those who vanished, until what they held then is too
// old for them: it was verified before the commit. Those are asked for after the
// others, so that who comes and goes meanwhile is missing in neither.
func (st *State[T]) concerned(ctx context.Context, committed time.Time) ([]Listener, error) {
	present, err := st.Listeners(ctx)
	if err != nil {
		return nil, err
	}
	absent, err := st.absentees(ctx, present)
	if err != nil {
		return nil, err
	}
	all := present
	var gone []absentee
	for _, l := range absent {
		if time.Since(committed) <= l.MaxStaleness {
			all = append(all, l.Listener)
		} else {
			gone = append(gone, l)
		}
	}
	st.forget(ctx, gone)
	return all, nil
}

// sort puts the listeners where they belong, except who waits.
func (e *NotAppliedError) sort(listeners []Listener, waits func(Listener) bool) {
	e.Applied, e.Rejected, e.Silent = nil, nil, nil
	for _, l := range slices.DeleteFunc(listeners, waits) {
		switch {
		case e.Version.IsZero():
			if l.Status == StatusDeleted {
				e.Applied = append(e.Applied, l)
			} else {
				e.Silent = append(e.Silent, l)
			}
		case l.Applied.Reaches(e.Version):
			e.Applied = append(e.Applied, l)
		case l.Status == StatusRejected && l.Newest.Reaches(e.Version):
			e.Rejected = append(e.Rejected, l)
		default:
			e.Silent = append(e.Silent, l)
		}
	}
}

// verdict reports whether the wait has come to its end, or to nothing.
func (e *NotAppliedError) verdict(by AppliedBy) (done, failed bool) {
	if by.least > 0 {
		// A listener may yet come.
		return len(e.Applied) >= by.least, false
	}
	return len(e.Silent)+len(e.Rejected) == 0, len(e.Silent) == 0 && len(e.Rejected) > 0
}
