package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

// bareName is of a socket on which one goroutine writes requests and reads their replies, and nothing else: the floor
// below every client.
const bareName = "bare socket"

type bare struct {
	nc net.Conn
	in *bufio.Reader
}

// connectBare opens a session that nothing keeps alive between its calls.
func connectBare(ctx context.Context, addr string) (subject, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	b := bare{nc, bufio.NewReaderSize(nc, 16<<10)}
	request := wire.ConnectRequest{TimeoutMS: int32(sessionTimeout.Milliseconds()), Password: make([]byte, 16)}
	if err = wire.WriteFrame(nc, request.Append(nil)); err == nil {
		_, err = wire.ReadFrame(b.in, 1<<20)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return b, nil
}

func setFrame(path string, data []byte) []byte {
	body := wire.AppendBuffer(wire.AppendString(nil, path), data)
	return frame(wire.OpSetData, wire.AppendInt(body, zk.AnyVersion))
}

func getFrame(path string) []byte {
	return frame(wire.OpGetData, append(wire.AppendString(nil, path), 0)) // no watch
}

func frame(opcode wire.Opcode, body []byte) []byte {
	b := wire.RequestHeader{Xid: 1, Opcode: opcode}.Append(make([]byte, wire.HeadSize))
	b = append(b, body...)
	wire.PutHead(b)
	return b
}

func (b bare) set(_ context.Context, path string, data []byte) error {
	_, err := b.call(setFrame(path, data), 1)
	return err
}

func (b bare) get(_ context.Context, path string) ([]byte, error) {
	d, err := b.call(getFrame(path), 1)
	return d.Buffer(), err
}

// call writes requests and reads their replies. It returns the body of the last one.
func (b bare) call(frames []byte, replies int) (d wire.Decoder, err error) {
	if _, err := b.nc.Write(frames); err != nil {
		return d, err
	}
	for range replies {
		reply, err := wire.ReadFrame(b.in, 1<<20)
		if err != nil {
			return d, err
		}
		d = wire.NewDecoder(reply[wire.HeadSize:])
		var header wire.ReplyHeader
		header.Decode(&d)
		if header.Err != 0 {
			return d, fmt.Errorf("%s: %w", bareName, zk.Code(header.Err))
		}
		if d.Err() != nil {
			return d, d.Err()
		}
	}
	return d, nil
}

func (b bare) close() {
	b.call(frame(wire.OpCloseSession, nil), 1)
	b.nc.Close()
}

// pipelined has one goroutine keep as many requests outstanding as others have goroutines: it writes them at once and
// reads all their replies.
func pipelined(ctx context.Context, t task, request []byte) (rate, error) {
	s, err := connect(ctx, bareName, t.Addr)
	if err != nil {
		return rate{}, err
	}
	defer s.close()
	var frames []byte
	for range goroutines {
		frames = append(frames, request...)
	}
	var did rate
	for _, d := range []time.Duration{t.Duration / 4, t.Duration} { // the first one warms up
		cpu, begun := cpuTime(), time.Now()
		did = rate{}
		for time.Since(begun) < d {
			if _, err := s.(bare).call(frames, goroutines); err != nil {
				return rate{}, err
			}
			did.Calls += goroutines
		}
		did.Seconds, did.CPU = time.Since(begun).Seconds(), (cpuTime() - cpu).Seconds()
	}
	return did, nil
}
