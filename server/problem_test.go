package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

// TestProblems: every kind of error has its type, which docs/HTTP.md explains, and the
// command line's exit code.
func TestProblems(t *testing.T) {
	docs, err := os.ReadFile("../docs/HTTP.md")
	if err != nil {
		t.Fatal(err)
	}
	types := make(map[string]int)
	for _, kind := range exitcode.Table {
		p := problemOf(fmt.Errorf("what was done: %w", kind.Err))
		if p.Exit != kind.Code || p.Type == "" || p.Title == "" || p.Status < 200 || p.Status > 599 {
			t.Errorf("%v: %+v, want the kind %d", kind.Err, p, kind.Code)
		}
		if before, ok := types[p.Type]; ok && before != p.Exit {
			t.Errorf("%s stands for %d and %d", p.Type, before, p.Exit)
		}
		types[p.Type] = p.Exit
	}
	for name := range types {
		_, anchor, _ := strings.Cut(name, "#")
		if !strings.Contains(string(docs), "\n### "+anchor+"\n") {
			t.Errorf("docs/HTTP.md does not explain %s", anchor)
		}
	}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{zkstate.ErrNotFound, http.StatusNotFound},
		{zkstate.ErrUnavailable, http.StatusServiceUnavailable},
		{fmt.Errorf("%w: %w", zkstate.ErrUnknownOutcome, context.DeadlineExceeded), http.StatusGatewayTimeout},
		{fmt.Errorf("%w: %w", zkstate.ErrUnavailable, context.DeadlineExceeded), http.StatusServiceUnavailable},
		{store.ErrExists, http.StatusConflict},
		{store.ErrLocked, http.StatusLocked},
		{store.ErrDenied, http.StatusForbidden},
		{store.ErrQuota, http.StatusInsufficientStorage},
		{store.ErrTooLarge, http.StatusRequestEntityTooLarge},
		{&zkstate.RejectedError{}, http.StatusConflict},
		{&zkstate.NotAppliedError{}, http.StatusAccepted},
		{errors.New("something"), http.StatusInternalServerError},
	} {
		if p := problemOf(c.err); p.Status != c.status {
			t.Errorf("%v: %d, want %d", c.err, p.Status, c.status)
		}
	}
	if p := problemOf(errors.New("a\x1b[31m\nb\xff")); strings.ContainsAny(p.Detail, "\x1b\n") || !utf8.ValidString(p.Detail) {
		t.Errorf("the detail is %q", p.Detail)
	}
}
