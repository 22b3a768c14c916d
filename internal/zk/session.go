package zk

import (
	"context"
	"time"
)

// Session is one session with the servers. All methods are safe for concurrent use.
type Session struct{}

// ID is the session's number, which is EphemeralOwner of its ephemeral nodes.
func (s *Session) ID() int64 { panic("not built yet") }

// Timeout is what the servers granted: they end a session from which they have not heard for so long.
func (s *Session) Timeout() time.Duration { panic("not built yet") }

// Lost is closed when the session is known to have ended: a server said so, or the client closed or left it. While
// the client is cut off it stays open, whatever the clock says; see Confirmed.
func (s *Session) Lost() <-chan struct{} { panic("not built yet") }

// Err returns why the session was lost, or nil. It matches ErrSessionLost, and ErrClosed if the client was closed.
func (s *Session) Err() error { panic("not built yet") }

// Confirmed returns when the newest request that a server has answered was sent. No server ends the session by itself
// before Timeout after that. Who must stop before the session can have ended looks at the larger of the monotonic
// and the wall time since then: one of the clocks may have stood still while the machine was suspended.
func (s *Session) Confirmed() time.Time { panic("not built yet") }

// Call sends one request and waits for its answer, see Do. The error is reply.Err.
func (s *Session) Call(ctx context.Context, request Request) (reply Reply, err error) {
	panic("not built yet")
}

// Do sends requests back to back on one connection and waits for their answers. Others' requests may come between
// them on the server. While there is no connection it waits: until ctx ends, the session is lost or the client closed.
//
// There is a reply for each request, whose Err is nil or an *Error. The error is the first of them, or nil. All are
// sent or none: if one is NotSent, all are. A request that was sent is never sent again, and one whose caller left
// because ctx ended may still be done: its outcome is Unknown.
func (s *Session) Do(ctx context.Context, requests ...Request) ([]Reply, error) {
	panic("not built yet")
}
