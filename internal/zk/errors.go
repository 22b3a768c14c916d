package zk

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that are not a server's, see also [Code]. Match them with errors.Is.
var (
	// ErrSessionLost: the session of the request has ended.
	ErrSessionLost = errors.New("the session was lost")
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("the client is closed")
	// ErrDisconnected: the connection ended while the reply was awaited.
	ErrDisconnected = errors.New("the connection was lost")
	// ErrHistoryReplaced: the session was given up because the servers have an older history than the client has seen.
	ErrHistoryReplaced = errors.New("the servers' history was replaced")
	// ErrTooLarge: the request or its reply is longer than the client's limit. See [SizeError].
	ErrTooLarge = errors.New("too large")
	// ErrAuthRefused: a server refuses what Config.Auth or Config.SASL shows, or cannot show itself who it is.
	ErrAuthRefused = errors.New("authentication was refused")
	// ErrUnreachable: no server could be reached. The error says of each why.
	ErrUnreachable = errors.New("no server could be reached")
)

// Outcome is what became of a request that failed.
type Outcome int

const (
	// NotSent: no server has seen the request, and none will.
	NotSent Outcome = iota + 1
	// Refused: a server answered with an error code, and the request changed nothing.
	Refused
	// Unknown: the request was sent, or may have been, and its answer was not seen.
	Unknown
)

func (o Outcome) String() string {
	switch o {
	case NotSent:
		return "not sent"
	case Refused:
		return "refused"
	default:
		return "outcome unknown"
	}
}

// Error is why a request failed and what became of it. It matches its Code and its Cause with errors.Is.
type Error struct {
	Op      string // such as "get"
	Path    string // empty for requests without one, and for Multi if no single operation was refused
	Outcome Outcome
	Code    Code  // the server's, if it was refused
	Index   int   // of the operation of a Multi that was refused, else -1
	Cause   error // why it was not sent or the outcome is unknown
}

// Error says the operation, the path, the outcome and the reason.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("zk: " + e.Op)
	if e.Index >= 0 {
		fmt.Fprintf(&b, " (operation %d)", e.Index)
	}
	if e.Path != "" {
		fmt.Fprintf(&b, " %q", e.Path)
	}
	fmt.Fprintf(&b, ": %v: ", e.Outcome)
	if e.Outcome == Refused {
		fmt.Fprint(&b, e.Code)
	} else {
		fmt.Fprint(&b, e.Cause)
	}
	return b.String()
}

// Unwrap returns the server's code or the cause.
func (e *Error) Unwrap() error {
	if e.Outcome == Refused {
		return e.Code
	}
	return e.Cause
}

// SizeError is the ErrTooLarge of a request or reply.
type SizeError struct {
	What        string // "request" or "reply"
	Size, Limit int    // in bytes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("the %s has %d bytes, the limit is %d", e.What, e.Size, e.Limit)
}

// Is reports whether target is ErrTooLarge.
func (e *SizeError) Is(target error) bool { return target == ErrTooLarge }
