package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("from the parser of the command line"), exitcode.Usage},
		{failure(errors.New("something")), exitcode.Other},
		{failure(usageError{errors.New("bad flag")}), exitcode.Usage},
		{failure(zkstate.ErrNotFound), exitcode.NotFound},
		{failure(zkstate.ErrDeleted), exitcode.NotFound},
		{failure(diff.ErrPointer), exitcode.NotFound},
		{failure(zkstate.ErrConflict), exitcode.Conflict},
		{failure(store.ErrExists), exitcode.Conflict},
		{failure(context.DeadlineExceeded), exitcode.Unreachable},
		{failure(zkstate.ErrUnavailable), exitcode.Unreachable},
		{failure(fmt.Errorf("%w: %w", zkstate.ErrUnknownOutcome, context.DeadlineExceeded)), exitcode.Unreachable},
		{failure(fmt.Errorf("%w: %w", zkstate.ErrNotFound, context.DeadlineExceeded)), exitcode.Unreachable},
		{failure(&zkstate.RejectedError{}), exitcode.Rejected},
		{failure(fmt.Errorf("%w: %w", zkstate.ErrStale, &zkstate.RejectedError{})), exitcode.Rejected},
		{failure(&diff.SyntaxError{}), exitcode.Rejected},
		{failure(zkstate.ErrTooLarge), exitcode.Rejected},
		{failure(zkstate.ErrDenied), exitcode.Other},
		{failure(context.Canceled), exitcode.Other},
	} {
		code, message := (situation{}).explain(fmt.Errorf("in context:\n%w", c.err))
		if code != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, code, c.want)
		}
		if strings.Contains(message, "\n") {
			t.Errorf("%v: explained in more than one line: %q", c.err, message)
		}
	}
	if code, message := (situation{}).explain(failure(fmt.Errorf("%w: %w", zkstate.ErrUnknownOutcome, context.DeadlineExceeded))); !strings.Contains(message, "look at the document") {
		t.Errorf("a lost answer is explained as %d %q", code, message)
	}
}

type panicWriter struct{}

func (panicWriter) Write([]byte) (int, error) { panic("a bug") }

func TestRunNeverPanics(t *testing.T) {
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"version"}, strings.NewReader(""), panicWriter{}, &stderr)
	if code != exitcode.Other || strings.Contains(stderr.String(), "goroutine") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
