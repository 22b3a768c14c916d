package zkserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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
	if err := killSession(ctx, addr, sessionID, password); err != nil {
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
	in := bufio.NewReader(conn)
	if err := takeOver(conn, in, sessionID, password); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	if err := closeSession(conn, in); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// takeOver moves the session to this connection.
func takeOver(conn net.Conn, in *bufio.Reader, sessionID int64, password []byte) error {
	request := wire.ConnectRequest{TimeoutMS: 10_000, SessionID: sessionID, Password: password}
	if err := wire.WriteFrame(conn, request.Append(nil)); err != nil {
		return err
	}
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

// closeSession asks for the end, and skips what comes before the answer.
func closeSession(conn net.Conn, in *bufio.Reader) error {
	request := wire.RequestHeader{Xid: closeXid, Opcode: wire.OpCloseSession}
	if err := wire.WriteFrame(conn, request.Append(nil)); err != nil {
		return err
	}
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
