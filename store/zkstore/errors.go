package zkstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// errTaken means that the listener record's name belongs to another session.
var errTaken = errors.New("the listener record belongs to another session")

// refusals says what a server's codes mean to a caller. Codes that are not listed are
// refusals too, of which nothing is known but that nothing was changed.
var refusals = map[zk.Code]error{
	zk.ErrNoNode:                  store.ErrNotFound,
	zk.ErrNodeExists:              store.ErrExists,
	zk.ErrBadVersion:              store.ErrConflict,
	zk.ErrNoAuth:                  store.ErrDenied,
	zk.ErrInvalidACL:              store.ErrDenied,
	zk.ErrAuthFailed:              store.ErrDenied,
	zk.ErrSASLRequired:            fmt.Errorf("%w: %w", store.ErrDenied, store.ErrAuthRequired),
	zk.ErrQuotaExceeded:           store.ErrQuota,
	zk.ErrNoChildrenForEphemerals: store.ErrEphemeralParent,
}

// refused reports whether a server said no, so that nothing was changed.
func refused(err error) bool {
	e, ok := errors.AsType[*zk.Error](err)
	return ok && e.Outcome == zk.Refused
}

// uncertain reports whether a request that failed may have been applied.
func uncertain(err error) bool {
	e, ok := errors.AsType[*zk.Error](err)
	return ok && e.Outcome == zk.Unknown
}

// translate makes the error that a method returns. write says whether the request
// could have changed something.
func (s *Store) translate(verb, path string, err error, write bool) error {
	var is error
	switch {
	case err == nil:
		return nil
	case write && uncertain(err):
		is = store.ErrUnknownOutcome
		if s.ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", store.ErrClosed, reason(err))
		}
	case errors.Is(err, errTaken):
		is = store.ErrTaken
	case errors.Is(err, store.ErrLocked):
		is = store.ErrLocked
	case errors.Is(err, zk.ErrClosed), s.ctx.Err() != nil && !refused(err):
		is = store.ErrClosed
	case errors.Is(err, zk.ErrAuthRefused):
		is = store.ErrDenied
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s %s: %w", verb, path, s.silence(err))
	case errors.Is(err, zk.ErrTooLarge):
		is = store.ErrTooLarge
	default:
		is = meaning(err)
	}
	if errors.Is(err, is) {
		return fmt.Errorf("%s %s: %w", verb, path, reason(err))
	}
	return fmt.Errorf("%s %s: %w: %w", verb, path, is, reason(err))
}

// reason is why a request failed, without what the client calls it.
func reason(err error) error {
	e, ok := errors.AsType[*zk.Error](err)
	switch {
	case !ok:
		return err
	case e.Outcome != zk.Refused:
		return e.Cause
	case e.Path == "":
		return e.Code
	}
	if e.Code == zk.ErrInvalidACL {
		return fmt.Errorf("znode %s: %w: the server does not know this connection, or a scheme of the ACL", e.Path, e.Code)
	}
	return fmt.Errorf("znode %s: %w", e.Path, e.Code)
}

// silence says why no server answered in time: perhaps they refuse to talk to us.
func (s *Store) silence(err error) error {
	err = reason(err)
	if why := s.client.Err(); why != nil && !errors.Is(err, zk.ErrUnreachable) {
		err = fmt.Errorf("%w: %w", err, why)
	}
	for _, code := range []zk.Code{zk.ErrSASLRequired, zk.ErrAuthFailed} {
		if errors.Is(err, code) {
			return fmt.Errorf("%w: %w", meaningOf(code), err)
		}
	}
	return fmt.Errorf("no answer from ZooKeeper: %w", err)
}

// meaning returns the sentinel of a refusal, and ErrUnavailable for everything else.
func meaning(err error) error {
	if e, ok := errors.AsType[*zk.Error](err); ok && e.Outcome == zk.Refused {
		return meaningOf(e.Code)
	}
	return store.ErrUnavailable
}

func meaningOf(code zk.Code) error {
	if is, ok := refusals[code]; ok {
		return is
	}
	return store.ErrUnavailable
}
