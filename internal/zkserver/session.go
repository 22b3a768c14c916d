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
	err := killSession(ctx, addr, sessionID, password)
	for errors.Is(err, io.EOF) && ctx.Err() == nil {
		// The owner has taken the session back before it was closed.
		if err = killSession(ctx, addr, sessionID, password); errors.Is(err, ErrNoSession) {
			return nil // it was closed
		}
	}
	if err != nil {
		return fmt.Errorf("kill session %#x at %s: %w", sessionID, addr, err)
	}
	return nil
}

func killSession(ctx context.Context, addr string, sessionID int64, password []byte) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if err := askToClose(conn, sessionID, password); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	in := bufio.NewReader(conn)
	if err := awaitTakeOver(in, sessionID); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return errors.Join(ctx.Err(), awaitClosed(in))
}

// askToClose moves the session to this connection and closes it, in one write:
// its owner comes back for it at once.
func askToClose(conn net.Conn, sessionID int64, password []byte) error {
	var both bytes.Buffer
	connect := wire.ConnectRequest{TimeoutMS: 10_000, SessionID: sessionID, Password: password}
	wire.WriteFrame(&both, connect.Append(nil))
	wire.WriteFrame(&both, wire.RequestHeader{Xid: closeXid, Opcode: wire.OpCloseSession}.Append(nil))
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

// awaitClosed skips what comes before the answer.
func awaitClosed(in *bufio.Reader) error {
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
			return fmt.Errorf("closing the session: server's error %d", header.Err)
		}
		return nil
	}
}
