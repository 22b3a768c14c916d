package zk

// EventKind says what an [Event] tells.
type EventKind int

const (
	// Connected: a connection is there, of the same session or of a new one. It has no watches: those of
	// earlier connections are gone, and what happened meanwhile was not told.
	Connected EventKind = iota + 1
	// Disconnected: the connection is gone. The session may live on.
	Disconnected
	// SessionLost: the session has ended, and its ephemeral nodes with it. A new one begins by itself.
	SessionLost
	// HistoryReplaced: the servers have an older history than the client has seen, as after a restored
	// backup. Their zxids mean something else from here on. SessionLost follows.
	HistoryReplaced
	// AuthFailed: a server refused what Config.Auth or Config.SASL shows. The client goes on trying, and
	// meanwhile Client.Session fails.
	AuthFailed

	// NodeCreated and the others are what watches tell. A server does not say which kind of watch it was:
	// a one-shot watch that was told of is gone, a persistent one stays.
	NodeCreated
	NodeDeleted
	NodeDataChanged
	NodeChildrenChanged
	// WatchRemoved: somebody removed a watch of the node.
	WatchRemoved
)

// Event is what Config.OnEvent is told.
type Event struct {
	Kind    EventKind
	Session *Session // nil where there is none yet
	Conn    uint64   // the connection's number, as in [Reply]; 0 where there is none
	Path    string   // of the node; empty for events of connections and sessions
	Zxid    int64    // of the change that fired a watch, or 0: servers before 3.9 do not say it
	Err     error    // why; nil for what needs no reason
}
