package zk

import "github.com/zkstate/zkstate/internal/zk/wire"

// AnyVersion makes Set, Delete, Check and SetACL succeed whatever the node's version is.
const AnyVersion int32 = -1

// Request is what can be asked of a server: Get, Exists, Children, Create, Set, Delete, Sync, Multi, MultiRead,
// GetACL, SetACL, WhoAmI, AddWatch, SetWatches, RemoveWatches. It must not be changed while a call with it runs, nor after the
// caller left because ctx ended: the reply may still come.
type Request interface {
	record
	// decode reads the body of the reply. The frame's memory is the reply's own if owned is set.
	decode(d *wire.Decoder, reply *Reply, owned bool)
}

// Op is what can be part of a Multi: Create, Set, Delete, Check.
type Op interface {
	record
	op()
}

// Query is what can be part of a MultiRead: Get, Children.
type Query interface {
	record
	query()
}

// record is a request's body.
type record interface {
	opcode() wire.Opcode
	path() string // empty if it has none
	append(b []byte) []byte
}

// Sync waits until the server has what its leader had. It is not a barrier: a leader that was deposed and does not
// know it answers too. A Multi of a Check is one.
type Sync struct {
	Path string
}

func (Sync) opcode() wire.Opcode                      { return wire.OpSync }
func (r Sync) path() string                           { return r.Path }
func (r Sync) append(b []byte) []byte                 { return wire.AppendString(b, r.Path) }
func (Sync) decode(d *wire.Decoder, _ *Reply, _ bool) { d.Buffer() }
