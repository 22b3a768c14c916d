package zk

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// maxHandshakeFrame is more than any answer before the first request has.
const maxHandshakeFrame = 1 << 20

var (
	// errHungUp is met where a server ends the connection instead of opening a session.
	errHungUp = errors.New("the server hung up on the request for a session " +
		"(it may not be serving, be read-only, have too many connections, expect TLS, or not have seen what this client has)")
	// errCaughtUp is met where a server has what the client has seen after all: the session to be resumed is not lost.
	errCaughtUp = errors.New("the server was behind what this client has seen, and is not any more")
	// errExpired is met where a server does not know the session any more.
	errExpired = errors.New("the session has expired")
)

// handshake is the beginning of a connection.
type handshake struct {
	client *Client
	to     target
	nc     *paced // nil before it is dialled
	in     *bufio.Reader
}

// dial connects to the server.
func (h *handshake) dial(ctx context.Context) error {
	nc, err := h.client.cfg.Dial(ctx, "tcp", h.to.address)
	if err != nil {
		return err
	}
	if nc, err = h.secure(ctx, nc); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	h.nc = &paced{Conn: nc}
	h.in = bufio.NewReaderSize(h.nc, bufferSize)
	return nil
}

// secure puts TLS on the connection if that is wanted, or closes it with an error.
func (h *handshake) secure(ctx context.Context, nc net.Conn) (net.Conn, error) {
	if h.client.cfg.TLS == nil {
		return nc, nil
	}
	cfg, err := h.client.cfg.TLS(h.to.host())
	if err != nil {
		nc.Close()
		return nil, err
	}
	secured := tls.Client(nc, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return secured, nil
}

// open asks for a session, the given one or a new one if it is nil, and says what the client has seen.
func (h *handshake) open(s *Session, zxid int64) (*Session, error) {
	request := wire.ConnectRequest{
		LastZxid:  zxid,
		TimeoutMS: int32(h.client.cfg.SessionTimeout.Milliseconds()),
		Password:  make([]byte, 16),
	}
	if s != nil {
		request.SessionID, request.Password = s.id, s.password
	}
	sent := time.Now()
	if err := wire.WriteFrame(h.nc, request.Append(nil)); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	response, err := h.connected()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("no answer to the request for a session: %w", err)
	case errors.Is(err, errProtocol):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errHungUp, err)
	case response.SessionID == 0 || response.TimeoutMS <= 0:
		return nil, errExpired
	case s == nil:
		s = newSession(h.client, response.SessionID, response.Password)
	case s.id != response.SessionID:
		return nil, fmt.Errorf("%w: session %#x instead of %#x", errProtocol, response.SessionID, s.id)
	}
	s.grant(time.Duration(response.TimeoutMS)*time.Millisecond, sent)
	return s, nil
}

// connected reads the answer to the request for a session.
func (h *handshake) connected() (response wire.ConnectResponse, err error) {
	body, err := h.frame()
	if err != nil {
		return response, err
	}
	d := wire.NewDecoder(body)
	response.Decode(&d)
	if d.Err() != nil {
		return response, fmt.Errorf("%w: %w", errProtocol, d.Err())
	}
	return response, nil
}

func (h *handshake) frame() ([]byte, error) {
	frame, err := wire.ReadFrame(h.in, maxHandshakeFrame)
	if errors.Is(err, wire.ErrFrameLength) {
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	}
	if err != nil {
		return nil, err
	}
	return frame[wire.HeadSize:], nil
}

// ask sends a request that is no call's and returns the body of its reply.
func (h *handshake) ask(xid int32, opcode wire.Opcode, body []byte) (wire.ReplyHeader, wire.Decoder, error) {
	var header wire.ReplyHeader
	request := wire.RequestHeader{Xid: xid, Opcode: opcode}.Append(nil)
	if err := wire.WriteFrame(h.nc, append(request, body...)); err != nil {
		return header, wire.Decoder{}, fmt.Errorf("%v: write: %w", opcode, err)
	}
	reply, err := h.frame()
	if err != nil {
		return header, wire.Decoder{}, fmt.Errorf("%v: read: %w", opcode, err)
	}
	d := wire.NewDecoder(reply)
	header.Decode(&d)
	if d.Err() != nil || header.Xid != xid {
		return header, wire.Decoder{}, fmt.Errorf("%w: a reply to %v", errProtocol, opcode)
	}
	return header, d, nil
}

// authenticate shows the server who the client is. Before it has succeeded nothing else is sent.
func (h *handshake) authenticate() error {
	if err := h.sasl(); err != nil {
		return err
	}
	for _, auth := range h.client.cfg.Auth {
		body := wire.AppendInt(nil, 0) // type, unused
		body = wire.AppendString(body, auth.Scheme)
		body = wire.AppendBuffer(body, auth.Credentials)
		header, _, err := h.ask(wire.XidAuth, wire.OpAuth, body)
		if err != nil {
			return err
		}
		if header.Err != 0 {
			return fmt.Errorf("%w: scheme %s: %w", ErrAuthRefused, auth.Scheme, Code(header.Err))
		}
	}
	return nil
}

// sasl carries out the exchange of Config.SASL.
func (h *handshake) sasl() error {
	if h.client.cfg.SASL == nil {
		return nil
	}
	mechanism, err := h.client.cfg.SASL(h.to.host())
	if err != nil {
		return fmt.Errorf("SASL: %w", err)
	}
	var challenge []byte
	for xid := int32(1); ; xid++ {
		response, done, err := mechanism.Next(challenge)
		if err != nil {
			return fmt.Errorf("%w: SASL: %w", ErrAuthRefused, err)
		}
		if done {
			return nil
		}
		if response == nil {
			response = []byte{} // the server does not expect null
		}
		header, d, err := h.ask(xid, wire.OpSASL, wire.AppendBuffer(nil, response))
		if err != nil {
			return err
		}
		if header.Err != 0 {
			return fmt.Errorf("%w: SASL: %w", ErrAuthRefused, Code(header.Err))
		}
		if challenge = d.Buffer(); challenge == nil {
			challenge = []byte{}
		}
		if d.Err() != nil {
			return fmt.Errorf("%w: a SASL challenge: %w", errProtocol, d.Err())
		}
	}
}
