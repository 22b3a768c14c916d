package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// HeadSize is the length of a frame's head, which holds the length of its body.
const HeadSize = 4

// ErrFrameLength is met on a length that no frame has. The stream cannot be read on.
var ErrFrameLength = errors.New("impossible frame length")

// PutHead writes the head of the frame that is the rest of b.
func PutHead(frame []byte) {
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-HeadSize))
}

// PeekLength blocks for the head of the next frame and returns the length of its body. It consumes nothing.
func PeekLength(r *bufio.Reader, limit int) (int, error) {
	head, err := r.Peek(HeadSize)
	if err != nil {
		return 0, err
	}
	length := binary.BigEndian.Uint32(head)
	if int64(length) > int64(limit) {
		return 0, fmt.Errorf("%w: %d", ErrFrameLength, length)
	}
	return int(length), nil
}

// ReadFrame reads a frame with its head.
func ReadFrame(r *bufio.Reader, limit int) ([]byte, error) {
	length, err := PeekLength(r, limit)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, HeadSize+length)
	n, err := io.ReadFull(r, frame)
	return frame[:n], err
}

// WriteFrame writes a frame.
func WriteFrame(w io.Writer, body []byte) error {
	frame := append(make([]byte, HeadSize, HeadSize+len(body)), body...)
	PutHead(frame)
	_, err := w.Write(frame)
	return err
}
