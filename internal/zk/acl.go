package zk

// Perms are the rights that an [ACL] gives.
type Perms int32

const (
	PermRead Perms = 1 << iota
	PermWrite
	PermCreate
	PermDelete
	PermAdmin
	PermAll = PermRead | PermWrite | PermCreate | PermDelete | PermAdmin
)

// ACL gives rights on one node, not on those below it, to whom an identity matches.
type ACL struct {
	Perms  Perms
	Scheme string // "world", "auth", "digest", "x509", "sasl", "ip"
	ID     string
}

// WorldACL gives rights to everybody.
func WorldACL(perms Perms) []ACL { return []ACL{{perms, "world", "anyone"}} }

// CreatorACL gives rights to the identities of the connection that makes the node. A server refuses it with
// ErrInvalidACL where the connection has none.
func CreatorACL(perms Perms) []ACL { return []ACL{{perms, "auth", ""}} }

// Identity is somebody as a server knows them.
type Identity struct {
	Scheme string
	User   string
}
