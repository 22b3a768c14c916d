package zkserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// ErrNoSession is met on killing a session that has ended, or with a wrong
// password.
var ErrNoSession = errors.New("zkserver: no such session")

const (
	closeXid = 1
	maxReply = 1 << 20
)

// KillSession closes somebody's session at the server at addr: the owner is
// disconnected, and learns on its next connection that the session has expired.
// It blocks until that server has applied it; others may follow later. See
// netfault.Proxy.LastSession for the password.
func KillSession(ctx context.Context, addr string, sessionID int64, password []byte) error {
	// A server hangs up on a wrong password, perhaps without an answer. So that this is not
	// taken for an owner who took the session back, it is taken over once before that.
	err := io.EOF
	for tries := 0; errors.Is(err, io.EOF) && tries < 5; tries++ {
		err = onSession(ctx, addr, func(conn net.Conn) error {
			return errors.Join(takeOver(conn, sessionID, password, nil), awaitTakeOver(bufio.NewReader(conn), sessionID))
		})
	}
	if errors.Is(err, io.EOF) {
		err = ErrNoSession
	}
	for hungUp := true; err == nil && hungUp; {
		// The owner may take the session back before it is closed.
		err = onSession(ctx, addr, func(conn net.Conn) error { return closeSession(conn, sessionID, password) })
		if hungUp = errors.Is(err, io.EOF) && ctx.Err() == nil; hungUp {
			err = nil
		}
		if errors.Is(err, ErrNoSession) {
			return nil // it was closed
		}
	}
	if err != nil {
		return fmt.Errorf("kill session %#x at %s: %w", sessionID, addr, err)
	}
	return nil
}

// onSession has do speak with the server, until ctx ends.
func onSession(ctx context.Context, addr string, do func(net.Conn) error) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	err = do(conn)
	return errors.Join(ctx.Err(), err)
}

// closeSession moves the session to this connection and closes it, in one write: its
// owner comes back for it at once.
func closeSession(conn net.Conn, sessionID int64, password []byte) error {
	closing := wire.RequestHeader{Xid: closeXid, Opcode: wire.OpCloseSession}.Append(nil)
	if err := takeOver(conn, sessionID, password, closing); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	if err := awaitTakeOver(in, sessionID); err != nil {
		return err
	}
	return awaitAnswer(in, "closing the session")
}

// takeOver asks for the session to move to this connection, and for one thing more, if
// it is not nil.
func takeOver(conn net.Conn, sessionID int64, password, more []byte) error {
	var both bytes.Buffer
	connect := wire.ConnectRequest{TimeoutMS: 10_000, SessionID: sessionID, Password: password}
	wire.WriteFrame(&both, connect.Append(nil))
	if more != nil {
		wire.WriteFrame(&both, more)
	}
	_, err := conn.Write(both.Bytes())
	return err
}

// awaitTakeOver reads whether the session has moved.
func awaitTakeOver(in *bufio.Reader, sessionID int64) error {
	frame, err := wire.ReadFrame(in, maxReply)
	if err != nil {
		return err
	}
	var response wire.ConnectResponse
	d := wire.NewDecoder(frame[wire.HeadSize:])
	response.Decode(&d)
	if d.Err() == nil && response.SessionID != sessionID {
		return ErrNoSession
	}
	return d.Err()
}

// awaitAnswer skips what comes before the answer.
func awaitAnswer(in *bufio.Reader, what string) error {
	for {
		frame, err := wire.ReadFrame(in, maxReply)
		if err != nil {
			return err
		}
		var header wire.ReplyHeader
		d := wire.NewDecoder(frame[wire.HeadSize:])
		header.Decode(&d)
		if d.Err() != nil {
			return d.Err()
		}
		if header.Xid != closeXid {
			continue
		}
		if header.Err != 0 {
			return fmt.Errorf("%s: server's error %d", what, header.Err)
		}
		return nil
	}
}
