package zkstore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// TestTranslate holds the judgement that exactly-once rests on: only what a server
// refused, or never saw, is said not to be applied.
func TestTranslate(t *testing.T) {
	s, err := Open(Config{Servers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	refusal := func(code zk.Code) error {
		return &zk.Error{Op: "multi", Path: "/doc/payload", Outcome: zk.Refused, Code: code, Index: 0}
	}
	failure := func(outcome zk.Outcome, cause error) error {
		return &zk.Error{Op: "multi", Outcome: outcome, Index: -1, Cause: cause}
	}
	for _, c := range []struct {
		err         error
		write, read error // what it matches after a write, and after a read
	}{
		{refusal(zk.ErrBadVersion), store.ErrConflict, store.ErrConflict},
		{refusal(zk.ErrNoNode), store.ErrNotFound, store.ErrNotFound},
		{refusal(zk.ErrNodeExists), store.ErrExists, store.ErrExists},
		{refusal(zk.ErrNoAuth), store.ErrDenied, store.ErrDenied},
		{refusal(zk.ErrSASLRequired), store.ErrAuthRequired, store.ErrDenied},
		{refusal(zk.ErrQuotaExceeded), store.ErrQuota, store.ErrQuota},
		{refusal(zk.ErrNoChildrenForEphemerals), store.ErrEphemeralParent, store.ErrEphemeralParent},
		{refusal(zk.ErrSessionExpired), store.ErrUnavailable, store.ErrUnavailable},
		{refusal(zk.ErrThrottled), store.ErrUnavailable, store.ErrUnavailable},
		{refusal(-4711), store.ErrUnavailable, store.ErrUnavailable},
		{failure(zk.NotSent, zk.ErrSessionLost), store.ErrUnavailable, store.ErrUnavailable},
		{failure(zk.NotSent, zk.ErrClosed), store.ErrClosed, store.ErrClosed},
		{failure(zk.NotSent, context.Canceled), context.Canceled, context.Canceled},
		{failure(zk.NotSent, &zk.SizeError{What: "request"}), store.ErrTooLarge, store.ErrTooLarge},
		{failure(zk.Unknown, zk.ErrDisconnected), store.ErrUnknownOutcome, store.ErrUnavailable},
		{failure(zk.Unknown, zk.ErrSessionLost), store.ErrUnknownOutcome, store.ErrUnavailable},
		{failure(zk.Unknown, context.DeadlineExceeded), store.ErrUnknownOutcome, context.DeadlineExceeded},
		{failure(zk.Unknown, &zk.SizeError{What: "reply"}), store.ErrUnknownOutcome, store.ErrTooLarge},
		{errTaken, store.ErrTaken, store.ErrTaken},
	} {
		for _, err := range []error{c.err, fmt.Errorf("wrapped: %w", c.err)} {
			if got := s.translate("commit", "/doc", err, true); !errors.Is(got, c.write) || !errors.Is(c.write, store.ErrUnknownOutcome) && errors.Is(got, store.ErrUnknownOutcome) {
				t.Errorf("%v is translated to %v after a write", err, got)
			}
			if got := s.translate("load", "/doc", err, false); !errors.Is(got, c.read) || errors.Is(got, store.ErrUnknownOutcome) {
				t.Errorf("%v is translated to %v after a read", err, got)
			}
		}
	}
}

func TestPlaces(t *testing.T) {
	for name, want := range map[string]string{
		"latch-me-0000000001":      "me",
		"latch-a-b.c_1-0000000001": "a-b.c_1",
		"latch-0000000001":         "",
		"latch--0000000001":        "",
		"latch-a--0000000001":      "a-",
		"latch-":                   "none", "": "none", "0000000001": "none", "latch-me-00000x0001": "none", "latch-me-000000001": "none",
		"latch-me/0000000001": "none", "a-note": "none", "latch-me-+000000001": "none",
	} {
		got := "none"
		if isPlace(name) {
			got = latchID(name)
		}
		if got != want {
			t.Errorf("%q is the place of %q, want %q", name, got, want)
		}
	}
}
