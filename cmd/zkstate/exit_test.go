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
	"github.com/zkstate/zkstate/store"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("from the parser of the command line"), exitUsage},
		{failure(errors.New("something")), exitOther},
		{failure(usageError{errors.New("bad flag")}), exitUsage},
		{failure(zkstate.ErrNotFound), exitNotFound},
		{failure(zkstate.ErrDeleted), exitNotFound},
		{failure(diff.ErrPointer), exitNotFound},
		{failure(zkstate.ErrConflict), exitConflict},
		{failure(store.ErrExists), exitConflict},
		{failure(context.DeadlineExceeded), exitUnreachable},
		{failure(zkstate.ErrUnavailable), exitUnreachable},
		{failure(fmt.Errorf("%w: %w", zkstate.ErrUnknownOutcome, context.DeadlineExceeded)), exitUnreachable},
		{failure(fmt.Errorf("%w: %w", zkstate.ErrNotFound, context.DeadlineExceeded)), exitUnreachable},
		{failure(&zkstate.RejectedError{}), exitRejected},
		{failure(fmt.Errorf("%w: %w", zkstate.ErrStale, &zkstate.RejectedError{})), exitRejected},
		{failure(&diff.SyntaxError{}), exitRejected},
		{failure(zkstate.ErrTooLarge), exitRejected},
		{failure(zkstate.ErrDenied), exitOther},
		{failure(context.Canceled), exitOther},
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
	if code != exitOther || strings.Contains(stderr.String(), "goroutine") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
