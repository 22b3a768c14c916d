package zk

import "time"

// AnyVersion makes Set, Delete, Check and SetACL succeed whatever the node's version is.
const AnyVersion int32 = -1

// Request is what can be asked of a server: Get, Exists, Children, Create, Set, Delete, Check, Sync, Multi,
// MultiRead, GetACL, SetACL, WhoAmI, AddWatch, RemoveWatches.
type Request interface {
	request()
}

// Op is a request that can be part of a Multi: Create, Set, Delete, Check.
type Op interface {
	Request
	op()
}

// Query is a request that can be part of a MultiRead: Get, Children.
type Query interface {
	Request
	query()
}

// Get brings a node's data and Stat. With Watch the next change of the data or the node's end is told once; if
// there is no node, no watch is set.
type Get struct {
	Path  string
	Watch bool
}

// Exists brings a node's Stat, or fails with ErrNoNode. With Watch the next change of the data, creation or end of
// the node is told once, whether or not there is a node now.
type Exists struct {
	Path  string
	Watch bool
}

// Children brings the names of a node's children and its Stat. With Watch the next child that comes or goes, or the
// node's end, is told once; if there is no node, no watch is set.
type Children struct {
	Path  string
	Watch bool
}

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

// Check fails unless the node has that version. It is for Multi only.
type Check struct {
	Path    string
	Version int32
}

// Sync waits until the server has what its leader had. It is not a barrier: a leader that was deposed and does not
// know it answers too. A Multi of a Check is one.
type Sync struct {
	Path string
}

// Multi does all operations in one transaction, or none. If it is refused, the error says the Index and the Code of
// the operation because of which. Its Results are those of the operations.
type Multi []Op

// MultiRead answers all queries at one point of the server's history. It succeeds whether or not they do: each
// Result has its own Err. Watch is not possible in it.
type MultiRead []Query

// GetACL brings a node's ACL and Stat.
type GetACL struct {
	Path string
}

// SetACL replaces a node's ACL if the ACL has that version (Stat.Aversion), and brings the node's Stat.
type SetACL struct {
	Path    string
	ACL     []ACL
	Version int32
}

// WhoAmI brings the identities of the connection, since ZooKeeper 3.7.
type WhoAmI struct{}

// WatchMode is the kind of a watch that AddWatch sets.
type WatchMode int32

const (
	PersistentWatch          WatchMode = iota // of a node's data and children
	PersistentRecursiveWatch                  // of a node and all below it; NodeChildrenChanged is not told
)

// AddWatch sets a watch that stays until the connection ends. Servers before 3.6 refuse it with ErrUnimplemented.
type AddWatch struct {
	Path string
	Mode WatchMode
}

// WatchKind says which watches RemoveWatches removes.
type WatchKind int32

const (
	ChildrenWatches WatchKind = 1
	DataWatches     WatchKind = 2
	AnyWatches      WatchKind = 3
)

// RemoveWatches removes this connection's watches of a node, or fails with ErrNoWatcher.
type RemoveWatches struct {
	Path string
	Kind WatchKind
}

func (Get) request()           {}
func (Exists) request()        {}
func (Children) request()      {}
func (Create) request()        {}
func (Set) request()           {}
func (Delete) request()        {}
func (Check) request()         {}
func (Sync) request()          {}
func (Multi) request()         {}
func (MultiRead) request()     {}
func (GetACL) request()        {}
func (SetACL) request()        {}
func (WhoAmI) request()        {}
func (AddWatch) request()      {}
func (RemoveWatches) request() {}

func (Create) op() {}
func (Set) op()    {}
func (Delete) op() {}
func (Check) op()  {}

func (Get) query()      {}
func (Children) query() {}
