package zkstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// errClosing means that the store was closed while a request was under way.
var errClosing = fmt.Errorf("%w while waiting for an answer", store.ErrClosed)

// errStuck means that the client was given up while it had a request.
var errStuck = errors.New("the ZooKeeper client was stuck and has been replaced")

// unsentError marks the error of a request that was never handed to the client.
type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

// outcome is what became of a request.
type outcome int

const (
	applied outcome = iota
	refused         // a server looked at it and said no: nothing was changed
	unsent          // no server ever saw it
	unknown         // it may have been applied
)

// classify is the one place that judges the client's errors, which are ambiguous:
// ErrConnectionClosed is never-sent, in flight, or closed, and a failed write is a
// bare net error. What is not known to be harmless is unknown.
func classify(err error) outcome {
	switch {
	case err == nil:
		return applied
	case errors.Is(err, errClosing):
		return unknown
	case errors.Is(err, zk.ErrNoServer), // flushed from the queue after a full round of servers
		errors.Is(err, zk.ErrInvalidPath),
		errors.Is(err, store.ErrClosed),
		errors.Is(err, errTaken),
		errors.As(err, new(unsentError)):
		return unsent
	}
	for _, answer := range []error{
		zk.ErrNoNode, zk.ErrNodeExists, zk.ErrBadVersion, zk.ErrNotEmpty, zk.ErrNoChildrenForEphemerals,
		zk.ErrNoAuth, zk.ErrInvalidACL, zk.ErrAuthFailed, zk.ErrBadArguments,
		zk.ErrSessionExpired, zk.ErrSessionMoved,
	} {
		if errors.Is(err, answer) {
			return refused
		}
	}
	return unknown
}

// translate turns a client's error into a store's. write says whether the request
// could have changed something.
func translate(verb, path string, err error, write bool) error {
	var is error
	switch {
	case err == nil:
		return nil
	case write && classify(err) == unknown:
		is = store.ErrUnknownOutcome
	case errors.Is(err, errTaken):
		is = store.ErrTaken
	case errors.Is(err, store.ErrClosed):
		return fmt.Errorf("%s %s: %w", verb, path, err)
	case errors.Is(err, zk.ErrNoNode):
		is = store.ErrNotFound
	case errors.Is(err, zk.ErrNodeExists):
		is = store.ErrExists
	case errors.Is(err, zk.ErrBadVersion):
		is = store.ErrConflict
	case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed), errors.Is(err, zk.ErrInvalidACL):
		is = store.ErrDenied
	case errors.Is(err, zk.ErrInvalidPath):
		is = store.ErrInvalidPath
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s %s: no answer from ZooKeeper: %w", verb, path, err)
	default:
		is = store.ErrUnavailable
	}
	return fmt.Errorf("%s %s: %w: %w", verb, path, is, err)
}
