package zk

import (
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// Mode is the kind of a new node.
type Mode int32

const (
	Persistent Mode = iota
	Ephemeral
	PersistentSequential
	EphemeralSequential
	Container // deleted by the server some time after its last child
	PersistentTTL
	PersistentSequentialTTL
)

// Create makes a node and brings its path and Stat. A server without containers or TTLs refuses with
// ErrUnimplemented.
type Create struct {
	Path string
	Data []byte // nil is null
	ACL  []ACL  // an empty one is refused by the server
	Mode Mode
	TTL  time.Duration // of the TTL modes: the node goes if it has no children and was not changed for so long
}

// Set replaces a node's data if it has that version, and brings its Stat.
type Set struct {
	Path    string
	Data    []byte // nil is null
	Version int32
}

// Delete removes a node that has no children, if it has that version.
type Delete struct {
	Path    string
	Version int32
}

// Check makes a Multi fail unless the node has that version.
type Check struct {
	Path    string
	Version int32
}

func (Create) op() {}
func (Set) op()    {}
func (Delete) op() {}
func (Check) op()  {}

func (r Create) opcode() wire.Opcode {
	switch r.Mode {
	case Container:
		return wire.OpCreateContainer
	case PersistentTTL, PersistentSequentialTTL:
		return wire.OpCreateTTL
	}
	return wire.OpCreate2
}

func (Set) opcode() wire.Opcode    { return wire.OpSetData }
func (Delete) opcode() wire.Opcode { return wire.OpDelete }
func (Check) opcode() wire.Opcode  { return wire.OpCheck }

func (r Create) path() string { return r.Path }
func (r Set) path() string    { return r.Path }
func (r Delete) path() string { return r.Path }
func (r Check) path() string  { return r.Path }

func (r Create) append(b []byte) []byte {
	b = wire.AppendString(b, r.Path)
	b = wire.AppendBuffer(b, r.Data)
	b = appendACL(b, r.ACL)
	b = wire.AppendInt(b, int32(r.Mode))
	if r.opcode() == wire.OpCreateTTL {
		b = wire.AppendLong(b, r.TTL.Milliseconds())
	}
	return b
}

func (r Set) append(b []byte) []byte {
	b = wire.AppendString(b, r.Path)
	b = wire.AppendBuffer(b, r.Data)
	return wire.AppendInt(b, r.Version)
}

func (r Delete) append(b []byte) []byte { return appendVersioned(b, r.Path, r.Version) }
func (r Check) append(b []byte) []byte  { return appendVersioned(b, r.Path, r.Version) }

func appendVersioned(b []byte, path string, version int32) []byte {
	return wire.AppendInt(wire.AppendString(b, path), version)
}

func (Create) decode(d *wire.Decoder, reply *Reply, _ bool) {
	reply.Path = d.String()
	reply.Stat.decode(d)
}

func (Set) decode(d *wire.Decoder, reply *Reply, _ bool) { reply.Stat.decode(d) }

func (Delete) decode(*wire.Decoder, *Reply, bool) {}
