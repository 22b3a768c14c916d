package zkserver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// ErrNoSession is met on killing a session that has ended, or with a wrong
// password.
var ErrNoSession = errors.New("zkserver: no such session")

const (
	closeXid    = 1
	closeOpcode = -11
	maxReply    = 1 << 20
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
	if err := takeOver(conn, sessionID, password); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	if err := closeSession(conn); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// takeOver moves the session to this connection.
func takeOver(conn net.Conn, sessionID int64, password []byte) error {
	var b []byte
	b = binary.BigEndian.AppendUint32(b, 0)      // protocol version
	b = binary.BigEndian.AppendUint64(b, 0)      // last zxid seen
	b = binary.BigEndian.AppendUint32(b, 10_000) // timeout in milliseconds
	b = binary.BigEndian.AppendUint64(b, uint64(sessionID))
	b = binary.BigEndian.AppendUint32(b, uint32(len(password)))
	b = append(b, password...)
	b = append(b, 0) // not read-only
	if err := writeFrame(conn, b); err != nil {
		return err
	}
	reply, err := readFrame(conn)
	if err != nil {
		return err
	}
	if len(reply) < 16 { // version, timeout, id
		return fmt.Errorf("a connect response of %d bytes", len(reply))
	}
	if int64(binary.BigEndian.Uint64(reply[8:])) != sessionID {
		return ErrNoSession
	}
	return nil
}

// closeSession asks for the end, and skips what comes before the answer.
func closeSession(conn net.Conn) error {
	opcode := int32(closeOpcode)
	request := binary.BigEndian.AppendUint32(nil, closeXid)
	request = binary.BigEndian.AppendUint32(request, uint32(opcode))
	if err := writeFrame(conn, request); err != nil {
		return err
	}
	for {
		reply, err := readFrame(conn)
		if err != nil {
			return err
		}
		if len(reply) < 16 { // xid, zxid, err
			return fmt.Errorf("a reply of %d bytes", len(reply))
		}
		if binary.BigEndian.Uint32(reply) != closeXid {
			continue
		}
		if code := int32(binary.BigEndian.Uint32(reply[12:])); code != 0 {
			return fmt.Errorf("closing the session: server's error %d", code)
		}
		return nil
	}
}

func writeFrame(w io.Writer, body []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length > maxReply {
		return nil, fmt.Errorf("a frame of %d bytes", length)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return body, err
}
