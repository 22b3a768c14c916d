package main

import (
	"context"
	"errors"
	"strings"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

// The exit codes. They are part of the command line's contract.
const (
	exitOther       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitConflict    = 4
	exitUnreachable = 5
	exitRejected    = 6
	exitLockLost    = 7
	exitNotApplied  = 8
	exitBusy        = 75 // EX_TEMPFAIL, as flock and others have it

	// Those of diff are diff(1)'s.
	exitDifferent = 1
	exitTrouble   = 2
)

// exits maps errors to exit codes and says what to do. The first that matches
// counts: a lost answer is worse than the time-out that caused it.
var exits = []struct {
	err    error
	code   int
	advice string
}{
	{errBusy, exitBusy, "wait longer with --wait, or see who has it"},
	{store.ErrLockLost, exitLockLost, "the command was asked to end; see what it did before you run it again"},
	{zkstate.ErrNotApplied, exitNotApplied, "listeners shows who has what"},
	{zkstate.ErrUnknownOutcome, exitUnreachable, "look at the document before you try again"},
	{zkstate.ErrRejected, exitRejected, "get -o raw shows the document as it is, set replaces it"},
	{zkstate.ErrTooLarge, exitRejected, "nothing was written; make it smaller"},
	{zkstate.ErrConflict, exitConflict, "read it again and retry"},
	{store.ErrExists, exitConflict, "use set to change it"},
	{storeurl.ErrURL, exitUsage, ""},
	{storeurl.ErrAuth, exitUsage, ""},
	{zkstate.ErrInvalidPath, exitUsage, ""},
	{zkstate.ErrInvalidID, exitUsage, ""},
	{diff.ErrTest, exitConflict, "the document is not as the patch wants it, and nothing was written"},
	{diff.ErrPatch, exitRejected, "nothing was written; correct the patch (RFC 6902)"},
	{diff.ErrCopyLimit, exitRejected, "nothing was written"},
	{diff.ErrPointerSyntax, exitUsage, "pointers look like /processes/0"},
	{diff.ErrPointer, exitNotFound, "get shows what is there"},
	{zkstate.ErrUnavailable, exitUnreachable, "check --store and whether its servers run, or raise --timeout"},
	{context.DeadlineExceeded, exitUnreachable, "check --store and whether its servers run, or raise --timeout"},
	{zkstate.ErrNoJournal, exitNotFound, "switch it on with: zkstate history PATH --keep N"},
	{history.ErrNotKept, exitNotFound, "history shows what is there"},
	{zkstate.ErrNotFound, exitNotFound, "create it with: zkstate create"},
	{zkstate.ErrDeleted, exitNotFound, "create it with: zkstate create"},
	{zkstate.ErrDenied, exitOther, "check the permissions"},
	{context.Canceled, exitOther, "it was interrupted"},
}

// runError marks an error of a command that was understood; any other that comes
// out of the parser of the command line is about usage.
type runError struct{ error }

func (e runError) Unwrap() error { return e.error }

func failure(err error) error {
	if err == nil {
		return nil
	}
	return runError{err}
}

// errDifferent ends diff where there is nothing to explain.
var errDifferent = errors.New("the documents differ")

// trouble is an error of diff, whatever it was.
type trouble struct{ error }

func (t trouble) Unwrap() error { return t.error }

// usageError is bad usage that only the command itself can see.
type usageError struct{ error }

// explain returns the exit code of an error and one line that says what happened
// and what to do, if there is anything to say.
func explain(err error) (code int, message string) {
	var t trouble
	switch {
	case errors.Is(err, errDifferent):
		return exitDifferent, ""
	case errors.As(err, &t):
		_, message = explain(failure(t.error))
		return exitTrouble, message
	}
	message = strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	if !errors.As(err, new(runError)) || errors.As(err, new(usageError)) {
		return exitUsage, message + ": see zkstate --help"
	}
	var syntax *diff.SyntaxError
	for _, exit := range exits {
		if !errors.Is(err, exit.err) {
			continue
		}
		if exit.advice != "" {
			message += ": " + exit.advice
		}
		return exit.code, message
	}
	if errors.As(err, &syntax) {
		return exitRejected, message + ": nothing was written; correct the JSON"
	}
	return exitOther, message
}
