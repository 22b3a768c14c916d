package zk

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// maxFrame is more than any server sends, unless Config.MaxReply expects more. A longer frame is not read past.
const maxFrame = 64 << 20

var (
	// errProtocol is met on what no ZooKeeper server says.
	errProtocol = errors.New("the server does not speak ZooKeeper's protocol")
	// errSessionClosed ends the connection on which the session was closed.
	errSessionClosed = errors.New("the session was closed")
)

// reader is the reading half of a connection.
type reader struct {
	conn   *conn
	keeper *keeper
	slots  []slot // the conn's oldest; those before next have their replies
	next   int
	body   wire.Decoder // the rest of the frame that is being read
	useful bool         // a request succeeded
}

// run reads replies and events until the connection ends, and returns why.
func (r *reader) run() error {
	for {
		if err := r.frame(); err != nil {
			return err
		}
	}
}

// frame reads one reply or event.
func (r *reader) frame() error {
	in := r.conn.in
	if in.Buffered() == 0 {
		runtime.Gosched() // the callers who were answered come first; where more replies are to come, the next read brings several
	}
	length, err := wire.PeekLength(in, max(maxFrame, r.conn.session.client.cfg.MaxReply))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if length < wire.ReplyHeaderSize {
		return fmt.Errorf("%w: a frame of %d bytes", errProtocol, length)
	}
	in.Discard(wire.HeadSize)
	if _, err := r.read(wire.ReplyHeaderSize); err != nil {
		return err
	}
	var header wire.ReplyHeader
	header.Decode(&r.body)
	r.keeper.zxid = max(r.keeper.zxid, header.Zxid)
	length -= wire.ReplyHeaderSize
	switch header.Xid {
	case wire.XidPing:
		err = r.ping(header, length)
	case wire.XidEvent:
		err = r.event(header, length)
	default:
		err = r.reply(header, length)
	}
	return err
}

// read makes body the next bytes of the frame. They share the memory of the read buffer unless owned is returned.
func (r *reader) read(length int) (owned bool, err error) {
	in := r.conn.in
	var bytes []byte
	if owned = length > in.Size(); owned {
		bytes = make([]byte, length)
		_, err = io.ReadFull(in, bytes)
	} else {
		bytes, err = in.Peek(length)
		in.Discard(len(bytes)) // they stay valid until the next read
	}
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	r.body = wire.NewDecoder(bytes)
	return owned, nil
}

// skip reads past the rest of a frame in bounded memory.
func (r *reader) skip(length int) error {
	if _, err := r.conn.in.Discard(length); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

func (r *reader) ping(header wire.ReplyHeader, length int) error {
	if err := r.skip(length); err != nil {
		return err
	}
	if header.Err != 0 {
		return fmt.Errorf("ping: %w", Code(header.Err))
	}
	sent := r.conn.pinged()
	if sent.IsZero() {
		return fmt.Errorf("%w: a reply to a ping that was not sent", errProtocol)
	}
	r.conn.session.confirm(sent)
	r.useful = true
	return nil
}

func (r *reader) event(header wire.ReplyHeader, length int) error {
	if length > r.conn.session.client.cfg.MaxReply {
		return fmt.Errorf("%w: an event of %d bytes", errProtocol, length)
	}
	if _, err := r.read(length); err != nil {
		return err
	}
	event := decodeEvent(&r.body)
	if r.body.Err() != nil {
		return fmt.Errorf("%w: an event: %w", errProtocol, r.body.Err())
	}
	if event.Kind != 0 {
		event.Session, event.Conn, event.Zxid = r.conn.session, r.conn.number, max(0, header.Zxid)
		r.keeper.notify(event)
	}
	return nil
}

// reply reads what a server answered to the request that has waited longest.
func (r *reader) reply(header wire.ReplyHeader, length int) error {
	slot, err := r.expect(header.Xid)
	if err != nil {
		return err
	}
	if slot.call == nil {
		return errSessionClosed
	}
	r.conn.session.replied(slot.call.sentAt, slot.index+1 == len(slot.call.requests))
	request, reply := slot.call.requests[slot.index], &slot.call.replies[slot.index]
	*reply = Reply{Zxid: header.Zxid, Conn: r.conn.number}
	if err := r.result(request, reply, header, length); err != nil {
		*reply = Reply{Zxid: header.Zxid, Conn: r.conn.number}
		r.next-- // it is failed with those that wait, when nothing is sent here any more
		return err
	}
	slot.call.answer(slot.index)
	if header.Err == int32(ErrSessionExpired) {
		return ErrSessionExpired // the next connection makes sure
	}
	return nil
}

// result reads the body of a reply. An error is the connection's; the request's own is in the reply.
func (r *reader) result(request Request, reply *Reply, header wire.ReplyHeader, length int) error {
	if header.Err != 0 {
		reply.Err = refused(request, Code(header.Err))
		return r.skip(length)
	}
	r.useful = true
	if limit := r.conn.session.client.cfg.MaxReply; length > limit {
		reply.Err = requestError(request, Unknown, &SizeError{What: "reply", Size: length, Limit: limit})
		return r.skip(length)
	}
	owned, err := r.read(length)
	if err != nil {
		return err
	}
	request.decode(&r.body, reply, owned)
	if err := r.body.Err(); err != nil {
		return fmt.Errorf("%w: a reply to %v: %w", errProtocol, request.opcode(), err)
	}
	return nil
}

// expect returns the request to which a reply has come.
func (r *reader) expect(xid int32) (slot, error) {
	if r.next == len(r.slots) {
		clear(r.slots)
		r.slots, r.next = r.conn.collect(r.slots[:0]), 0
	}
	if r.next == len(r.slots) {
		return slot{}, fmt.Errorf("%w: a reply to request %d, which was not sent", errProtocol, xid)
	}
	s := r.slots[r.next]
	if s.xid != xid {
		return slot{}, fmt.Errorf("%w: a reply to request %d before that to request %d", errProtocol, xid, s.xid)
	}
	r.next++
	return s, nil
}

// abandon fails the requests whose replies will not come. The writer must have ended.
func (r *reader) abandon(reason error) {
	cause := fmt.Errorf("%w: %w", ErrDisconnected, reason)
	for _, s := range append(r.slots[r.next:], r.conn.collect(nil)...) {
		if s.call != nil {
			s.call.failOne(s.index, Unknown, cause)
		}
	}
}
