package wire

import (
	"bufio"
	"bytes"
	"testing"
)

// FuzzFrames: what frames are read from a stream is what was written, and nothing panics.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0}, 16)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0}, 16)
	f.Fuzz(func(t *testing.T, stream []byte, limit int) {
		in := bufio.NewReaderSize(bytes.NewReader(stream), 16)
		var out bytes.Buffer
		for {
			frame, err := ReadFrame(in, limit)
			if err != nil {
				break
			}
			if len(frame)-HeadSize > limit {
				t.Fatalf("a frame of %d bytes, the limit is %d", len(frame), limit)
			}
			WriteFrame(&out, frame[HeadSize:])
		}
		if !bytes.HasPrefix(stream, out.Bytes()) {
			t.Errorf("read % x of % x", out.Bytes(), stream)
		}
	})
}

// FuzzRecords: a record that was read is written as it was, and nothing panics.
func FuzzRecords(f *testing.F) {
	f.Add(ConnectRequest{LastZxid: 1, TimeoutMS: 2, SessionID: 3, Password: []byte("x")}.Append(nil))
	f.Add(ConnectResponse{TimeoutMS: 2, SessionID: 3}.Append(nil))
	f.Add(RequestHeader{Xid: 1, Opcode: OpMulti}.Append(nil))
	f.Add(ReplyHeader{Xid: 1, Zxid: 2, Err: 3}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		check := func(err error, again []byte, from, to int) {
			if err == nil && !bytes.Equal(again[from:to], b[from:to]) {
				t.Errorf("written % x, read % x", again, b)
			}
		}
		d := NewDecoder(b)
		var request RequestHeader
		request.Decode(&d)
		check(d.Err(), request.Append(nil), 0, 8)
		d = NewDecoder(b)
		var reply ReplyHeader
		reply.Decode(&d)
		check(d.Err(), reply.Append(nil), 0, ReplyHeaderSize)
		d = NewDecoder(b)
		var connect ConnectRequest
		connect.Decode(&d)
		check(d.Err(), connect.Append(nil), 4, 28+len(connect.Password)) // the protocol version is not kept
		d = NewDecoder(b)
		var connected ConnectResponse
		connected.Decode(&d)
		check(d.Err(), connected.Append(nil), 4, 20+len(connected.Password))
	})
}

// TestOpcodeNames: each opcode has the name that ZooKeeper gives it.
func TestOpcodeNames(t *testing.T) {
	for opcode, want := range map[Opcode]string{OpGetData: "getData", OpCloseSession: "closeSession", 77: "opcode 77"} {
		if got := opcode.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !OpMulti.Writes() || !OpCreateContainer.Writes() || OpGetData.Writes() {
		t.Error("a write is taken for a read, or a read for a write")
	}
}
