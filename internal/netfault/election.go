package netfault

import (
	"bytes"
	"encoding/binary"
)

// NewElection is NewRaw for ZooKeeper's election port. A server that connects
// there says where it listens itself, and is called back, past any proxy; this
// one says the address that back returns instead: the proxy's for the other
// direction. back is called for each connection.
func NewElection(target string, back func() string) (*Proxy, error) {
	return start(target, &Proxy{raw: true, back: back})
}

// redirect replaces the address in the message that opens a connection between
// electors: a negative version, the id, and the address with its length. It
// comes in one piece; what else comes is returned as it is.
func redirect(message []byte, addr string) []byte {
	const head = 8 + 8
	if len(message) < head+4 || int64(binary.BigEndian.Uint64(message)) >= 0 {
		return message
	}
	length := int64(binary.BigEndian.Uint32(message[head:]))
	if length > int64(len(message)-head-4) {
		return message
	}
	redirected := bytes.Clone(message[:head])
	redirected = binary.BigEndian.AppendUint32(redirected, uint32(len(addr)))
	redirected = append(redirected, addr...)
	return append(redirected, message[head+4+length:]...)
}
