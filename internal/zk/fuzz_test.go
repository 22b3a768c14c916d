package zk

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// decoded are requests of every kind whose replies have bodies.
var decoded = []Request{
	Get{}, Exists{}, Children{}, Create{}, Set{}, Delete{}, Sync{}, GetACL{}, SetACL{}, WhoAmI{}, AddWatch{}, SetWatches{}, RemoveWatches{},
	Multi{Check{}, Create{}, Set{}, Delete{}}, MultiRead{Get{}, Children{}},
}

// FuzzReply: no body of a reply panics, or takes more memory than a small multiple of its length.
func FuzzReply(f *testing.F) {
	for i := range decoded {
		f.Add(i, bytes.Repeat([]byte{0, 0, 0, 1}, 60))
		f.Add(i, bytes.Repeat([]byte{0xff, 0xff, 0xff, 0xff}, 60))
		f.Add(i, []byte{0x7f, 0xff, 0xff, 0xff})
	}
	f.Fuzz(func(t *testing.T, kind int, body []byte) {
		request := decoded[uint(kind)%uint(len(decoded))]
		var reply Reply
		d := wire.NewDecoder(body)
		request.decode(&d, &reply, false)
		if n := len(reply.Children) + len(reply.ACL) + len(reply.Identities); n > len(body)/4 {
			t.Errorf("%d elements from %d bytes", n, len(body))
		}
		if len(reply.Data) > len(body) {
			t.Errorf("%d bytes of data from %d", len(reply.Data), len(body))
		}
	})
}

// FuzzEvent: no event panics.
func FuzzEvent(f *testing.F) {
	f.Add([]byte{0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 2, '/', 'a'})
	f.Fuzz(func(t *testing.T, body []byte) {
		d := wire.NewDecoder(body)
		if event := decodeEvent(&d); len(event.Path) > len(body) {
			t.Errorf("a path of %d bytes from %d", len(event.Path), len(body))
		}
	})
}

// FuzzHandshake: no answer to the request for a session panics or makes a session without a number.
func FuzzHandshake(f *testing.F) {
	var whole bytes.Buffer
	wire.WriteFrame(&whole, wire.ConnectResponse{TimeoutMS: 4000, SessionID: 1, Password: make([]byte, 16)}.Append(nil))
	f.Add(whole.Bytes())
	f.Add([]byte("HTTP/1.1 400 Bad Request"))
	f.Fuzz(func(t *testing.T, said []byte) {
		h := &handshake{in: bufio.NewReader(bytes.NewReader(said))}
		response, err := h.connected()
		if err == nil && len(response.Password) > len(said) {
			t.Errorf("a password of %d bytes from %d", len(response.Password), len(said))
		}
	})
}

// FuzzStream: whatever comes over a connection, reading ends with an error, every call is answered once, and no
// reply is given to another request's.
func FuzzStream(f *testing.F) {
	var stream bytes.Buffer
	stat := make([]byte, 68)
	wire.WriteFrame(&stream, append(wire.ReplyHeader{Xid: 1, Zxid: 7}.Append(nil), stat...))
	wire.WriteFrame(&stream, append(wire.ReplyHeader{Xid: wire.XidEvent}.Append(nil), 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 2, '/', 'a'))
	wire.WriteFrame(&stream, wire.ReplyHeader{Xid: 2, Err: -101}.Append(nil))
	wire.WriteFrame(&stream, append(wire.ReplyHeader{Xid: 3}.Append(nil), stat...))
	f.Add(stream.Bytes())
	f.Add(stream.Bytes()[:stream.Len()-3])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	client := &Client{}
	client.cfg, _ = Config{Servers: Hosts{"fuzz:1"}}.complete()
	f.Fuzz(func(t *testing.T, said []byte) {
		c := newCall().(*call)
		replies := make([]Reply, 3)
		c.encode([]Request{Exists{Path: "/a"}, Get{Path: "/b"}, Set{Path: "/c"}}, replies)
		session := newSession(client, 1, nil)
		conn := &conn{session: session, number: 9, in: bufio.NewReaderSize(bytes.NewReader(said), 64)}
		conn.enroll([]slot{{1, 0, c}, {2, 1, c}, {3, 2, c}})
		r := &reader{conn: conn, keeper: &keeper{client: client}}
		r.keeper.client.wanted = t.Context()
		err := r.run()
		if err == nil {
			t.Fatal("the stream did not end")
		}
		r.abandon(err)
		<-c.done
		for i, reply := range replies {
			if reply.Err == nil && reply.Conn != 9 || reply.Err != nil && reply.Err.(*Error).Outcome == NotSent {
				t.Errorf("reply %d: %+v", i, reply)
			}
		}
	})
}
