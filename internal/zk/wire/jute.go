// Package wire is what ZooKeeper's clients and servers say to each other: frames, opcodes, and the records that
// every connection needs.
package wire

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed is met on a record that ends too early or claims an impossible length.
var ErrMalformed = errors.New("malformed record")

// AppendInt appends a jute int.
func AppendInt(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

// AppendLong appends a jute long.
func AppendLong(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// AppendBool appends a jute boolean.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendString appends a jute ustring.
func AppendString(b []byte, v string) []byte {
	return append(AppendInt(b, int32(len(v))), v...)
}

// AppendBuffer appends a jute buffer; nil is null, which differs from an empty one.
func AppendBuffer(b []byte, v []byte) []byte {
	if v == nil {
		return AppendInt(b, -1)
	}
	return append(AppendInt(b, int32(len(v))), v...)
}

// Decoder reads jute's types off the front of a frame. After the first error everything it returns is zero; Err tells.
type Decoder struct {
	rest []byte
	err  error
}

// NewDecoder reads from b.
func NewDecoder(b []byte) Decoder { return Decoder{rest: b} }

// Err is ErrMalformed if something could not be read.
func (d *Decoder) Err() error { return d.err }

// Fail makes Err say that the record is malformed.
func (d *Decoder) Fail() { d.rest, d.err = nil, ErrMalformed }

// take returns the next n bytes, or nil.
func (d *Decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.Fail()
		return nil
	}
	taken := d.rest[:n:n]
	d.rest = d.rest[n:]
	return taken
}

// Int reads a jute int.
func (d *Decoder) Int() int32 {
	b := d.take(4)
	if b == nil {
		return 0
	}
	return int32(binary.BigEndian.Uint32(b))
}

// Long reads a jute long.
func (d *Decoder) Long() int64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}

// Bool reads a jute boolean.
func (d *Decoder) Bool() bool {
	b := d.take(1)
	return b != nil && b[0] != 0
}

// Buffer reads a jute buffer, nil for null. It shares the frame's memory.
func (d *Decoder) Buffer() []byte {
	n := d.Int()
	if n == -1 || d.err != nil {
		return nil
	}
	return d.take(int(n))
}

// String reads a jute ustring; null is the empty one.
func (d *Decoder) String() string { return string(d.Buffer()) }

// Count reads the length of a vector whose elements have at least size bytes each; null is the empty one. What
// the rest of the frame cannot hold is an error.
func (d *Decoder) Count(size int) int {
	n := int(d.Int())
	if n == -1 {
		return 0
	}
	if n < 0 || n > len(d.rest)/size {
		d.Fail()
		return 0
	}
	return n
}
