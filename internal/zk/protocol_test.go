package zk_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func longs(values ...int64) (b []byte) {
	for _, v := range values {
		b = wire.AppendLong(b, v)
	}
	return b
}

// multiPart is one operation's answer in the reply to a Multi.
func multiPart(opcode wire.Opcode, body ...byte) []byte {
	b := wire.AppendInt(nil, int32(opcode))
	return append(wire.AppendInt(wire.AppendBool(b, opcode == wire.OpError && body == nil), 0), body...)
}

var multiEnd = multiPart(wire.OpError)

// exchanges are requests with a whole reply to each.
var exchanges = []struct {
	request zk.Request
	reply   []byte
}{
	{zk.Get{Path: "/a"}, concat(wire.AppendBuffer(nil, []byte("data")), statBytes())},
	{zk.Exists{Path: "/a"}, statBytes()},
	{zk.Children{Path: "/a"}, concat(wire.AppendInt(nil, 2), wire.AppendString(nil, "x"), wire.AppendString(nil, "y"), statBytes())},
	{zk.Create{Path: "/a"}, concat(wire.AppendString(nil, "/a"), statBytes())},
	{zk.Set{Path: "/a"}, statBytes()},
	{zk.SetACL{Path: "/a"}, statBytes()},
	{zk.GetACL{Path: "/a"}, concat(wire.AppendInt(nil, 1), wire.AppendInt(nil, 31), wire.AppendString(nil, "world"), wire.AppendString(nil, "anyone"), statBytes())},
	{zk.WhoAmI{}, concat(wire.AppendInt(nil, 1), wire.AppendString(nil, "ip"), wire.AppendString(nil, "::1"))},
	{zk.Sync{Path: "/a"}, wire.AppendString(nil, "/a")},
	{zk.Multi{zk.Check{Path: "/a"}, zk.Create{Path: "/b"}, zk.Set{Path: "/a"}, zk.Delete{Path: "/b"}}, concat(
		multiPart(wire.OpCheck), multiPart(wire.OpCreate2, concat(wire.AppendString(nil, "/b"), statBytes())...),
		multiPart(wire.OpSetData, statBytes()...), multiPart(wire.OpDelete), multiEnd)},
	{zk.MultiRead{zk.Get{Path: "/a"}, zk.Children{Path: "/a"}}, concat(
		multiPart(wire.OpGetData, concat(wire.AppendBuffer(nil, []byte("data")), statBytes())...),
		multiPart(wire.OpGetChildren, concat(wire.AppendInt(nil, 1), wire.AppendString(nil, "x"))...), multiEnd)},
}

func name(request zk.Request) string { return strings.TrimPrefix(fmt.Sprintf("%T", request), "zk.") }

// TestTruncatedReplies: a reply that is cut anywhere, by its own length or by the end of the connection, leaves its
// request with an unknown outcome and ends the connection; the next one works.
func TestTruncatedReplies(t *testing.T) {
	for _, x := range exchanges {
		t.Run(name(x.request), func(t *testing.T) {
			// The connection n cuts the reply to n-1 bytes: first as a shorter frame, then in the middle of the frame.
			server := func(p *peer) {
				if !p.accept() {
					return
				}
				if _, ok := p.next(); !ok || p.last.Opcode == wire.OpCloseSession {
					p.reply(0)
					return
				}
				whole := append(wire.ReplyHeader{Xid: p.last.Xid}.Append(nil), x.reply...)
				switch cut := (p.number - 1) / 2; {
				case cut >= len(whole):
					p.send(whole)
					p.serve()
				case p.number%2 == 1:
					p.send(whole[:cut])
					p.drain()
				default:
					p.conn.Write(concat(wire.AppendInt(nil, int32(len(whole))), whole[:cut]))
				}
			}
			bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
				s := session(t, client)
				for range 2 * (wire.ReplyHeaderSize + len(x.reply)) {
					_, err := s.Call(t.Context(), x.request)
					if outcome(err) != zk.Unknown || !errors.Is(err, zk.ErrDisconnected) {
						t.Fatalf("on connection %d: %v", f.dialled("fake:1"), err)
					}
				}
				if _, err := s.Call(t.Context(), x.request); err != nil {
					t.Errorf("the whole reply: %v", err)
				}
			})
		})
	}
}

// TestNonsense: what no server says ends the connection with an error that says so, and the call has its outcome.
func TestNonsense(t *testing.T) {
	header := func(xid int32, body ...byte) func(p *peer) {
		return func(p *peer) { p.send(append(wire.ReplyHeader{Xid: xid}.Append(nil), body...)) }
	}
	length := func(n uint32) func(p *peer) {
		return func(p *peer) { p.conn.Write(binary.BigEndian.AppendUint32(nil, n)) }
	}
	for name, say := range map[string]func(p *peer){
		"NegativeLength":    length(0xffffffff),
		"AbsurdLength":      length(64<<20 + 1),
		"FourLetterWord":    length(0x68747470),
		"NoLength":          length(0),
		"ShortFrame":        length(15),
		"UnknownXid":        header(7),
		"NegativeXid":       header(-3),
		"PingNotSent":       header(wire.XidPing),
		"EventWithoutBody":  header(wire.XidEvent),
		"EventTooLarge":     header(wire.XidEvent, make([]byte, 5<<20)...),
		"NegativeBuffer":    func(p *peer) { p.reply(0, wire.AppendInt(nil, -2)...) },
		"BufferBeyondFrame": func(p *peer) { p.reply(0, wire.AppendInt(nil, 1<<30)...) },
	} {
		t.Run(name, func(t *testing.T) {
			server := func(p *peer) {
				if p.accept() && p.number == 1 {
					p.next()
					say(p)
					p.drain()
				} else {
					p.serve()
				}
			}
			told := make(chan zk.Event, 10)
			bubble(t, server, zk.Config{OnEvent: func(e zk.Event) { told <- e }}, func(t *testing.T, f *fake, client *zk.Client) {
				s := session(t, client)
				_, err := s.Call(t.Context(), zk.Get{Path: "/a"})
				if outcome(err) != zk.Unknown {
					t.Error(err)
				}
				<-told
				if e := <-told; e.Kind != zk.Disconnected || !strings.Contains(e.Err.Error(), "protocol") && !errors.Is(e.Err, wire.ErrFrameLength) {
					t.Errorf("event %+v", e)
				}
				_, err = s.Call(t.Context(), zk.Get{Path: "/a"})
				wantRefused(t, err, zk.ErrUnimplemented) // by the next connection
			})
		})
	}
}

// TestNonsenseInMulti: results that are not those of the operations.
func TestNonsenseInMulti(t *testing.T) {
	request := zk.Multi{zk.Check{Path: "/a"}, zk.Set{Path: "/a"}}
	check, set := multiPart(wire.OpCheck), multiPart(wire.OpSetData, statBytes()...)
	refusal := func(code zk.Code) []byte { return multiPart(wire.OpError, wire.AppendInt(nil, int32(code))...) }
	for name, reply := range map[string][]byte{
		"TooFew":          concat(check, multiEnd),
		"TooMany":         concat(check, set, set, multiEnd),
		"Others":          concat(check, check, multiEnd),
		"NoEnd":           concat(check, set),
		"UnknownKind":     concat(check, multiPart(99), multiEnd),
		"RefusedForNone":  concat(refusal(0), refusal(zk.ErrRuntimeInconsistency), multiEnd),
		"PartlyDone":      concat(check, refusal(0), multiEnd),
		"NotOneRefusal":   concat(refusal(0), refusal(0), multiEnd),
		"NothingAnswered": nil,
	} {
		t.Run(name, func(t *testing.T) {
			server := func(p *peer) {
				p.accept()
				p.next()
				p.reply(0, reply...)
				p.serve()
			}
			bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
				got, err := session(t, client).Call(t.Context(), request)
				if outcome(err) != zk.Unknown || got.Zxid == 0 {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		})
	}
}

// TestUnknownCode: a code that nobody knows is a refusal.
func TestUnknownCode(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		p.next()
		p.reply(-4711)
		p.serve()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		_, err := session(t, client).Call(t.Context(), zk.Get{Path: "/a"})
		wantRefused(t, err, -4711)
		if !strings.Contains(err.Error(), "-4711") {
			t.Error(err)
		}
	})
}

// TestOldServer: one before 3.5 does not know create2. The error says so.
func TestOldServer(t *testing.T) {
	bubble(t, func(p *peer) { p.accept(); p.serve() }, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		_, err := session(t, client).Call(t.Context(), zk.Create{Path: "/a", ACL: open})
		wantRefused(t, err, zk.ErrUnimplemented)
		for _, want := range []string{"create2", "/a", "older than ZooKeeper 3.5"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("no %q in: %v", want, err)
			}
		}
	})
}

// TestOutOfOrder: a reply that overtakes another ends the connection, and both requests have unknown outcomes.
func TestOutOfOrder(t *testing.T) {
	server := func(p *peer) {
		p.accept()
		p.next()
		p.next()
		p.reply(0, statBytes()...)
		p.drain()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		replies, _ := session(t, client).Do(t.Context(), zk.Set{Path: "/a"}, zk.Set{Path: "/b"})
		for _, reply := range replies {
			if outcome(reply.Err) != zk.Unknown || !strings.Contains(reply.Err.Error(), "before that to request") {
				t.Error(reply.Err)
			}
		}
	})
}

// TestEventsBetween: events come between requests and replies, and in their order.
func TestEventsBetween(t *testing.T) {
	event := func(p *peer, kind int32, path string, zxid int64) {
		body := wire.AppendInt(wire.AppendInt(wire.ReplyHeader{Xid: wire.XidEvent, Zxid: zxid}.Append(nil), kind), 3)
		p.send(wire.AppendString(body, path))
	}
	server := func(p *peer) {
		p.accept()
		event(p, 1, "/a", -1)
		p.next()
		event(p, -1, "", -1) // of the connection: not told
		event(p, 3, "/a", 17)
		p.reply(0, statBytes()...)
		event(p, 2, "/a", 18)
		event(p, 99, "/a", 19) // unknown: not told
		p.serve()
	}
	told := make(chan zk.Event, 10)
	bubble(t, server, zk.Config{OnEvent: func(e zk.Event) { told <- e }}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		if _, err := s.Call(t.Context(), zk.Set{Path: "/a"}); err != nil {
			t.Error(err)
		}
		s.Call(t.Context(), zk.Set{Path: "/a"})
		for _, want := range []zk.Event{
			{Kind: zk.Connected, Session: s, Conn: 1},
			{Kind: zk.NodeCreated, Session: s, Conn: 1, Path: "/a"},
			{Kind: zk.NodeDataChanged, Session: s, Conn: 1, Path: "/a", Zxid: 17},
			{Kind: zk.NodeDeleted, Session: s, Conn: 1, Path: "/a", Zxid: 18},
		} {
			if got := <-told; got != want {
				t.Errorf("event %+v, want %+v", got, want)
			}
		}
		if len(told) > 0 {
			t.Errorf("one more event: %+v", <-told)
		}
	})
}

// TestHugeReply: a reply beyond the limit is read past in bounded memory, and only its request fails.
func TestHugeReply(t *testing.T) {
	const size = 48 << 20
	server := func(p *peer) {
		p.accept()
		p.next()
		p.conn.Write(wire.AppendInt(nil, wire.ReplyHeaderSize+size))
		p.conn.Write(wire.ReplyHeader{Xid: p.last.Xid}.Append(nil))
		some := make([]byte, 64<<10)
		for range size / len(some) {
			p.conn.Write(some)
		}
		p.serve()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, f *fake, client *zk.Client) {
		s := session(t, client)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.Call(t.Context(), zk.Get{Path: "/a"})
		runtime.ReadMemStats(&after)
		var large *zk.SizeError
		if outcome(err) != zk.Unknown || !errors.As(err, &large) || large.Size != size {
			t.Error(err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
			t.Errorf("%d bytes were allocated", grown)
		}
		_, err = s.Call(t.Context(), zk.Get{Path: "/a"})
		wantRefused(t, err, zk.ErrUnimplemented)
		if n := f.dialled("fake:1"); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}
