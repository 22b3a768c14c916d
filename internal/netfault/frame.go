package netfault

import (
	"bufio"
	"bytes"
	"io"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

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
func (c chunk) body() []byte { return c.bytes[wire.HeadSize:] }

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
		if _, err := wire.PeekLength(cr.r, maxFrame); err == nil {
			frame, err := wire.ReadFrame(cr.r, maxFrame)
			return chunk{bytes: frame, framed: err == nil}, err
		}
		cr.raw = true
	}
	some := make([]byte, 32<<10)
	n, err := cr.r.Read(some)
	return chunk{bytes: some[:n]}, err
}

// parseRequest reads the head of any client frame but the first.
func parseRequest(body []byte) (header wire.RequestHeader, ok bool) {
	d := wire.NewDecoder(body)
	header.Decode(&d)
	return header, d.Err() == nil
}

// parseReply reads the head of any server frame but the first.
func parseReply(body []byte) (header wire.ReplyHeader, ok bool) {
	d := wire.NewDecoder(body)
	header.Decode(&d)
	return header, d.Err() == nil
}

// parseConnected reads a server's first frame.
func parseConnected(body []byte) (Session, bool) {
	var response wire.ConnectResponse
	d := wire.NewDecoder(body)
	response.Decode(&d)
	if d.Err() != nil || response.SessionID == 0 { // zero: the session asked for has expired
		return Session{}, false
	}
	return Session{
		ID:       response.SessionID,
		Timeout:  time.Duration(response.TimeoutMS) * time.Millisecond,
		Password: bytes.Clone(response.Password),
	}, true
}
