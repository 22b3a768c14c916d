// Package exitcode says of which kind an error is. The kinds are the exit codes of the
// command line, and the problem types of the HTTP server are the same ones.
package exitcode

import (
	"context"
	"errors"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

// The exit codes. They are part of the command line's contract.
const (
	Other       = 1
	Usage       = 2
	NotFound    = 3
	Conflict    = 4
	Unreachable = 5
	Rejected    = 6
	LockLost    = 7
	NotApplied  = 8
	Attention   = 9  // doctor found what should be seen to, and the document works
	Busy        = 75 // EX_TEMPFAIL, as flock and others have it
)

// Table says which code an error has. The first that matches counts: a lost answer is worse
// than the time-out that caused it.
var Table = []struct {
	Err  error
	Code int
}{
	{store.ErrLocked, Busy},
	{store.ErrLockLost, LockLost},
	{zkstate.ErrNotApplied, NotApplied},
	{zkstate.ErrUnknownOutcome, Unreachable},
	{zkstate.ErrRejected, Rejected},
	{zkstate.ErrTooLarge, Rejected},
	{zkstate.ErrConflict, Conflict},
	{store.ErrExists, Conflict},
	{document.ErrVersion, Usage},
	{document.ErrWait, Usage},
	{document.ErrDeletes, Usage},
	{zkstate.ErrInvalidPath, Usage},
	{zkstate.ErrInvalidID, Usage},
	{diff.ErrTest, Conflict},
	{diff.ErrPatch, Rejected},
	{diff.ErrCopyLimit, Rejected},
	{diff.ErrPointerSyntax, Usage},
	{diff.ErrPointer, NotFound},
	{store.ErrQuota, Other},
	{store.ErrEphemeralParent, Other},
	{store.ErrDamaged, Other},
	{context.Canceled, Other},
	{zkstate.ErrUnavailable, Unreachable},
	{context.DeadlineExceeded, Unreachable},
	{zkstate.ErrNoJournal, NotFound},
	{history.ErrNotKept, NotFound},
	{zkstate.ErrNotFound, NotFound},
	{zkstate.ErrDeleted, NotFound},
	{store.ErrAuthRequired, Other},
	{zkstate.ErrDenied, Other},
}

// Of returns the code of an error, and which one of the table it matches, nil if none.
func Of(err error) (code int, match error) {
	for _, kind := range Table {
		if errors.Is(err, kind.Err) {
			return kind.Code, kind.Err
		}
	}
	if errors.As(err, new(*diff.SyntaxError)) {
		return Rejected, nil
	}
	return Other, nil
}
