package zk

// Stat is what a server knows of a node beside its data. Times are milliseconds since 1970 by the server's clock.
type Stat struct {
	Czxid          int64 // the transaction that created the node
	Mzxid          int64 // the last one that set its data
	Ctime          int64
	Mtime          int64
	Version        int32 // how often the data was set since creation; it wraps
	Cversion       int32 // of the children
	Aversion       int32 // of the ACL
	EphemeralOwner int64 // the session that the node ends with; 0 for all others
	DataLength     int32
	NumChildren    int32
	Pzxid          int64 // the last transaction that added or removed a child
}

// Result is what one request or one operation of a Multi brought. Fields that the request does not bring are zero.
type Result struct {
	Path     string   // Create: the node's, with its sequence number
	Data     []byte   // Get: the caller's own; nil if the node has null
	Stat     Stat     // Get, Exists, Children, Create, Set, GetACL, SetACL
	Children []string // Children: names without the parent's path, in no order
	Err      error    // nil if it succeeded; an *Error, see [Session.Do]
}

// Reply is a server's answer to a request.
type Reply struct {
	Result
	Zxid       int64      // the last transaction that the server had applied, and at least the request's own
	Conn       uint64     // number of the connection that the request went out on, and on which its watch is set; it only grows
	Results    []Result   // Multi, MultiRead: one for each operation
	ACL        []ACL      // GetACL
	Identities []Identity // WhoAmI
}
