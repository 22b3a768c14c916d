package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/internal/atomicfile"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
	"github.com/zkstate/zkstate/store/zkstore"
)

// The exit codes of diff are diff(1)'s.
const (
	exitDifferent = 1
	exitTrouble   = 2
)

// exits maps the errors that only commands have to exit codes; the others are in
// [exitcode.Table], which comes after them.
var exits = []struct {
	err  error
	code int
}{
	{errUnfinished, exitcode.Unreachable},
	{errNotYet, exitcode.Unreachable},
	{errYAML, exitcode.Rejected},
	{atomicfile.ErrKind, exitcode.Other},
	{errNoPlace, exitcode.NotFound},
	{errNotLost, exitcode.NotFound},
	{storeurl.ErrURL, exitcode.Usage},
	{storeurl.ErrAuth, exitcode.Usage},
	{zkstore.ErrACL, exitcode.Usage},
}

// advices say what to do about an error. Where there is none, whoever says the error says it.
var advices = map[error]string{
	errUnfinished:             "raise --timeout, or see whether who writes it is done",
	errNotYet:                 "raise --timeout to wait longer",
	errYAML:                   "nothing was written; correct the YAML",
	atomicfile.ErrKind:        "name one, or none that exists",
	errNotLost:                "doctor shows those that there are",
	errNoPlace:                "lock --show prints those that there are",
	store.ErrLocked:           "wait longer with --wait, or see with --show who is in the queue",
	store.ErrLockLost:         "the command was asked to end; see what it did before you run it again",
	zkstate.ErrNotApplied:     "listeners shows who has what",
	zkstate.ErrUnknownOutcome: "look at the document before you try again",
	zkstate.ErrRejected:       "get -o raw shows the document as it is, set replaces it",
	zkstate.ErrTooLarge:       "nothing was written; make it smaller",
	store.ErrExists:           "use set to change it",
	diff.ErrTest:              "the document is not as the patch wants it, and nothing was written",
	diff.ErrPatch:             "nothing was written; correct the patch (RFC 6902)",
	document.ErrDeletes:       "use zkstate delete",
	diff.ErrCopyLimit:         "nothing was written",
	diff.ErrPointerSyntax:     "pointers look like /processes/0",
	diff.ErrPointer:           "get shows what is there",
	store.ErrQuota:            "nothing was written; whoever runs the servers set the limit",
	store.ErrEphemeralParent:  "nothing was written; choose another path",
	zkstate.ErrUnavailable:    awayAdvice,
	context.DeadlineExceeded:  awayAdvice,
	zkstate.ErrNoJournal:      "switch it on with: zkstate history PATH --keep N",
	history.ErrNotKept:        "history shows what is there",
	zkstate.ErrNotFound:       "create it with: zkstate create",
	zkstate.ErrDeleted:        "create it with: zkstate create",
	store.ErrAuthRequired:     "show credentials with " + storeurl.AuthFile,
	zkstore.ErrACL:            "see zkstate help security",
	zkstate.ErrDenied:         "check the permissions, and as whom you go there",
}

// classify returns the exit code of an error, and what it matches.
func classify(err error) (code int, match error) {
	for _, exit := range exits {
		if errors.Is(err, exit.err) {
			return exit.code, exit.err
		}
	}
	return exitcode.Of(err)
}

const awayAdvice = "check --store and whether its servers run, or raise --timeout"

// adviceIn is advice that fits a command better.
var adviceIn = map[string]map[error]string{
	"delete": {zkstate.ErrNotFound: "there is nothing to delete"},
	"watch":  {zkstate.ErrNotFound: "watch --wait waits for it"},
	"mirror": {zkstate.ErrNotFound: "mirror --wait waits for it"},
	"set":    {zkstate.ErrNotFound: "set --create creates it"},
	"diff":   {zkstate.ErrNotFound: "what begins with / is a document, @FILE and ./FILE are files"},
}

// situation is what an explanation depends on beside the error.
type situation struct {
	command string // the name of the subcommand, "" if there is none
	file    bool   // the store is a file on this machine
}

// advice says what to do about an error that matches is.
func (s situation) advice(is error) string {
	if better, ok := adviceIn[s.command][is]; ok {
		return better
	}
	advice := advices[is]
	if s.file && advice == awayAdvice {
		return "check the file that --store names, and who uses it"
	}
	return advice
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
func (s situation) explain(err error) (code int, message string) {
	var t trouble
	switch {
	case errors.Is(err, errDifferent):
		return exitDifferent, ""
	case errors.As(err, &t):
		_, message = s.explain(failure(t.error))
		return exitTrouble, message
	}
	message = plain(err.Error())
	if !errors.As(err, new(runError)) || errors.As(err, new(usageError)) || errors.Is(err, document.ErrVersion) {
		return exitcode.Usage, message + ": see " + strings.TrimSpace("zkstate "+s.command) + " --help"
	}
	code, match := classify(err)
	advice := s.advice(match)
	if match == nil && code == exitcode.Rejected { // what was given is no JSON
		advice = "nothing was written; correct the JSON"
	}
	if s.command == "diff" { // which writes nothing whatever it finds
		advice = strings.TrimPrefix(advice, "nothing was written; ")
	}
	if advice != "" {
		message += ": " + advice
	}
	return code, message
}

// phrases are what the library says to programmers, and what that is for users of the
// command line.
var phrases = strings.NewReplacer(
	": open with Observer if you only read", "",
	": write a good document, or update with Overwrite", "",
	context.DeadlineExceeded.Error(), "the time was up",
	context.Canceled.Error(), "it was interrupted",
)

// plain makes one line of an error's text, in which nothing is said twice: of two calls
// that fail on the same thing, the inner one says more.
func plain(text string) string {
	if before, names, ok := strings.Cut(text, "Did you mean this?"); ok {
		text = before + "(is it " + strings.Join(strings.Fields(names), ", or ") + "?)"
	}
	text = phrases.Replace(strings.Join(strings.Fields(text), " "))
	parts := strings.Split(text, ": ")
	for i := 0; i < len(parts)-1; i++ {
		words := strings.Fields(parts[i])
		if len(words) != 2 && len(words) != 4 || !strings.ContainsAny(words[1], "/.") {
			continue
		}
		again := func(later string) bool { return slices.Contains(strings.Fields(later), words[1]) }
		if slices.ContainsFunc(parts[i+1:], again) {
			parts = slices.Delete(parts, i, i+1)
			i--
		}
	}
	return strings.Join(parts, ": ")
}
