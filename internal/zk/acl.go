package zk

import "github.com/zkstate/zkstate/internal/zk/wire"

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

func (GetACL) opcode() wire.Opcode { return wire.OpGetACL }
func (SetACL) opcode() wire.Opcode { return wire.OpSetACL }
func (WhoAmI) opcode() wire.Opcode { return wire.OpWhoAmI }

func (r GetACL) path() string { return r.Path }
func (r SetACL) path() string { return r.Path }
func (WhoAmI) path() string   { return "" }

func (r GetACL) append(b []byte) []byte { return wire.AppendString(b, r.Path) }

func (r SetACL) append(b []byte) []byte {
	b = wire.AppendString(b, r.Path)
	b = appendACL(b, r.ACL)
	return wire.AppendInt(b, r.Version)
}

func (WhoAmI) append(b []byte) []byte { return b }

func (GetACL) decode(d *wire.Decoder, reply *Reply, _ bool) {
	reply.ACL = make([]ACL, d.Count(12))
	for i := range reply.ACL {
		reply.ACL[i] = ACL{Perms: Perms(d.Int()), Scheme: d.String(), ID: d.String()}
	}
	reply.Stat.decode(d)
}

func (SetACL) decode(d *wire.Decoder, reply *Reply, _ bool) { reply.Stat.decode(d) }

func (WhoAmI) decode(d *wire.Decoder, reply *Reply, _ bool) {
	reply.Identities = make([]Identity, d.Count(8))
	for i := range reply.Identities {
		reply.Identities[i] = Identity{Scheme: d.String(), User: d.String()}
	}
}

func appendACL(b []byte, acl []ACL) []byte {
	b = wire.AppendInt(b, int32(len(acl)))
	for _, entry := range acl {
		b = wire.AppendInt(b, int32(entry.Perms))
		b = wire.AppendString(b, entry.Scheme)
		b = wire.AppendString(b, entry.ID)
	}
	return b
}
