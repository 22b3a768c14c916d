package exitcode_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

// TestEveryKindIsFound: none stands behind another that its error matches too.
func TestEveryKindIsFound(t *testing.T) {
	for _, kind := range exitcode.Table {
		if code, match := exitcode.Of(fmt.Errorf("in context: %w", kind.Err)); code != kind.Code || match != kind.Err {
			t.Errorf("%v has code %d as %v, want %d", kind.Err, code, match, kind.Code)
		}
	}
}

// TestOf has errors that match several kinds.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		errs []error
		code int
		kind error
	}{
		{[]error{store.ErrLocked, context.DeadlineExceeded}, exitcode.Busy, store.ErrLocked},
		{[]error{zkstate.ErrUnavailable, context.Canceled}, exitcode.Other, context.Canceled},
		{[]error{zkstate.ErrUnknownOutcome, context.Canceled}, exitcode.Unreachable, zkstate.ErrUnknownOutcome},
		{[]error{zkstate.ErrNotApplied, context.DeadlineExceeded}, exitcode.NotApplied, zkstate.ErrNotApplied},
		{[]error{history.ErrNotKept}, exitcode.NotFound, history.ErrNotKept},
		{[]error{&diff.SyntaxError{}}, exitcode.Rejected, nil},
		{[]error{errors.New("something")}, exitcode.Other, nil},
	} {
		if code, kind := exitcode.Of(errors.Join(c.errs...)); code != c.code || kind != c.kind {
			t.Errorf("%v has code %d as %v, want %d as %v", c.errs, code, kind, c.code, c.kind)
		}
	}
}
