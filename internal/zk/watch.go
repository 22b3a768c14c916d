package zk

import "github.com/zkstate/zkstate/internal/zk/wire"

// WatchMode is the kind of a watch that AddWatch sets.
type WatchMode int32

const (
	PersistentWatch          WatchMode = iota // of a node's data and children
	PersistentRecursiveWatch                  // of a node and all below it; NodeChildrenChanged is not told
)

// AddWatch sets a watch that stays until the connection ends, whether or not there is a node. Servers before 3.6
// refuse it with ErrUnimplemented.
type AddWatch struct {
	Path string
	Mode WatchMode
}

// SetWatches sets watches of many nodes, Data as Get and Children as Children does, in one request that shows none of the
// nodes. Those that have changed since the transaction Since, or are gone, are told at once, before the reply, and are
// not watched then. So nothing is missed of nodes that are known as they were at Since, in one history. With the
// largest Since only those that are gone are told.
type SetWatches struct {
	Since    int64
	Data     []string // paths
	Children []string
}

// WatchKind says which watches RemoveWatches removes.
type WatchKind int32

const (
	ChildrenWatches WatchKind = 1
	DataWatches     WatchKind = 2
	AnyWatches      WatchKind = 3 // persistent ones too
)

// RemoveWatches removes this connection's watches of a node, or fails with ErrNoWatcher.
type RemoveWatches struct {
	Path string
	Kind WatchKind
}

func (AddWatch) opcode() wire.Opcode      { return wire.OpAddWatch }
func (SetWatches) opcode() wire.Opcode    { return wire.OpSetWatches }
func (RemoveWatches) opcode() wire.Opcode { return wire.OpRemoveWatches }

func (r AddWatch) path() string      { return r.Path }
func (SetWatches) path() string      { return "" }
func (r RemoveWatches) path() string { return r.Path }

func (r AddWatch) append(b []byte) []byte      { return appendVersioned(b, r.Path, int32(r.Mode)) }
func (r RemoveWatches) append(b []byte) []byte { return appendVersioned(b, r.Path, int32(r.Kind)) }

func (r SetWatches) append(b []byte) []byte {
	b = wire.AppendLong(b, r.Since)
	b = appendStrings(b, r.Data)
	b = appendStrings(b, nil) // of nodes that are to come
	return appendStrings(b, r.Children)
}

func appendStrings(b []byte, strings []string) []byte {
	b = wire.AppendInt(b, int32(len(strings)))
	for _, s := range strings {
		b = wire.AppendString(b, s)
	}
	return b
}

func (AddWatch) decode(*wire.Decoder, *Reply, bool)      {}
func (SetWatches) decode(*wire.Decoder, *Reply, bool)    {}
func (RemoveWatches) decode(*wire.Decoder, *Reply, bool) {}

// eventKinds are ZooKeeper's numbers.
var eventKinds = map[int32]EventKind{
	1: NodeCreated,
	2: NodeDeleted,
	3: NodeDataChanged,
	4: NodeChildrenChanged,
	5: WatchRemoved,
	6: WatchRemoved,
	7: WatchRemoved,
}

// decodeEvent reads a watch event. Its Kind is zero for what is none of a node.
func decodeEvent(d *wire.Decoder) Event {
	kind := d.Int()
	d.Int() // the state of the connection
	return Event{Kind: eventKinds[kind], Path: d.String()}
}
