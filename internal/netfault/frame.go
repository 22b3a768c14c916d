package netfault

import (
	"bufio"
	"encoding/binary"
	"io"
)

// Opcodes of ZooKeeper's requests.
const (
	OpCreate       int32 = 1
	OpDelete       int32 = 2
	OpExists       int32 = 3
	OpGetData      int32 = 4
	OpSetData      int32 = 5
	OpGetACL       int32 = 6
	OpSetACL       int32 = 7
	OpGetChildren  int32 = 8
	OpSync         int32 = 9
	OpPing         int32 = 11
	OpGetChildren2 int32 = 12
	OpCheck        int32 = 13
	OpMulti        int32 = 14
	OpCreate2      int32 = 15
	OpClose        int32 = -11
	OpAuth         int32 = 100
	OpSetWatches   int32 = 101
)

// Writes matches the requests that change the tree. A Multi counts as one even
// if it only checks.
func Writes(opcode int32) bool {
	switch opcode {
	case OpCreate, OpDelete, OpSetData, OpSetACL, OpMulti, OpCreate2:
		return true
	}
	return false
}

// eventXid is what a watch event carries where a reply carries its request's.
const eventXid int32 = -1

// maxFrame is well above any limit that a server is run with. What claims to be
// longer is no frame: TLS and four-letter words begin with larger numbers.
const maxFrame = 8 << 20

// chunk is what is forwarded at once: a frame with its length before it, or any
// bytes where there are no frames.
type chunk struct {
	bytes  []byte
	framed bool
}

// body is the frame after its length.
func (c chunk) body() []byte { return c.bytes[4:] }

// chunkReader cuts one direction of a connection into chunks.
type chunkReader struct {
	r   *bufio.Reader
	raw bool // no frames from here on
}

func newChunkReader(r io.Reader, raw bool) *chunkReader {
	return &chunkReader{r: bufio.NewReaderSize(r, 32<<10), raw: raw}
}

// next blocks for a chunk. With an error it may still return what came before.
func (cr *chunkReader) next() (chunk, error) {
	if !cr.raw {
		head, err := cr.r.Peek(4)
		if err == nil {
			if length := binary.BigEndian.Uint32(head); length <= maxFrame {
				frame := make([]byte, 4+length)
				n, err := io.ReadFull(cr.r, frame)
				return chunk{bytes: frame[:n], framed: err == nil}, err
			}
		}
		cr.raw = true
	}
	some := make([]byte, 32<<10)
	n, err := cr.r.Read(some)
	return chunk{bytes: some[:n]}, err
}

// parseRequest reads the head of any client frame but the first.
func parseRequest(body []byte) (xid, opcode int32, ok bool) {
	if len(body) < 8 {
		return 0, 0, false
	}
	return int32At(body, 0), int32At(body, 4), true
}

// parseReply reads the head of any server frame but the first.
func parseReply(body []byte) (xid int32, ok bool) {
	if len(body) < 16 { // xid, zxid, err
		return 0, false
	}
	return int32At(body, 0), true
}

// parseConnected reads a server's first frame.
func parseConnected(body []byte) (Session, bool) {
	if len(body) < 20 { // version, timeout, id, length of the password
		return Session{}, false
	}
	s := newSession(int32At(body, 4), int64(binary.BigEndian.Uint64(body[8:])))
	length := int(int32At(body, 16))
	if length < 0 || length > len(body)-20 {
		return Session{}, false
	}
	s.Password = append([]byte(nil), body[20:20+length]...)
	return s, s.ID != 0 // zero: the session asked for has expired
}

func int32At(b []byte, at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) }
