package zkstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zkstate/zkstate/internal/zk"
)

// createdACL decides the ACL of what a store creates.
type createdACL struct {
	asked  ACL         // nil: what is right for whom the server knows the connection as
	silent atomic.Bool // servers do not tell identities

	mu    sync.Mutex // guards all below
	conn  uint64     // the connection that known is about, 0 if there is none
	known ACL
}

// of returns what is right on a connection, nil if that is not known.
func (c *createdACL) of(conn uint64) ACL {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn == 0 || c.conn != conn {
		return nil
	}
	return c.known
}

func (c *createdACL) set(conn uint64, acl ACL) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn, c.known = conn, acl
}

// acl is the ACL of what belongs to a document. Where neither an ACL nor credentials were
// given, the server may still know the connection, by a certificate that a proxy shows. It is
// asked once for each connection.
func (s *Store) acl(ctx context.Context) (ACL, error) {
	c := &s.created
	if c.asked != nil {
		return c.asked, nil
	}
	if known := c.of(s.conn.Load()); known != nil {
		return known, nil
	}
	give, err := s.turns.take(ctx, "created")
	if err != nil {
		return nil, err
	}
	defer give()
	if known := c.of(s.conn.Load()); known != nil {
		return known, nil
	}
	acl, conn, err := s.askWhoCreates(ctx)
	if err == nil {
		c.set(conn, acl)
	}
	return acl, err
}

// askWhoCreates asks the server who creates. An identity that is more than an address counts
// for the ACL. Servers before 3.7 do not tell identities, and end the connection for the
// question, so they are asked it once.
func (s *Store) askWhoCreates(ctx context.Context) (_ ACL, conn uint64, _ error) {
	if s.created.silent.Load() {
		return s.probeWhoCreates(ctx)
	}
	reply, err := s.call(ctx, zk.WhoAmI{})
	switch {
	case errors.Is(err, zk.ErrUnimplemented):
		s.created.silent.Store(true)
		return s.probeWhoCreates(ctx)
	case err != nil:
		return nil, 0, err
	case slices.ContainsFunc(reply.Identities, func(i zk.Identity) bool { return i.Scheme != "ip" && i.Scheme != "world" }):
		return CreatorACL, reply.Conn, nil
	}
	return OpenACL, reply.Conn, nil
}

// probe is a znode that is never made, and nothing is below it.
const probe = "/zkstate-probe"

// probeWhoCreates learns the same from a transaction that a server refuses in any case: with
// ErrInvalidACL, before it looks at anything else, if it does not know who creates.
func (s *Store) probeWhoCreates(ctx context.Context) (_ ACL, conn uint64, _ error) {
	reply, err := s.call(ctx, zk.Multi{
		zk.Create{Path: probe, ACL: CreatorACL.wire()},
		zk.Check{Path: probe + "/nothing", Version: zk.AnyVersion},
	})
	switch e, ok := errors.AsType[*zk.Error](err); {
	case !ok || e.Index < 0:
		return nil, 0, err
	case e.Index == 0 && e.Code == zk.ErrInvalidACL:
		return OpenACL, reply.Conn, nil
	}
	return CreatorACL, reply.Conn, nil
}

// Identity is somebody as a server knows them. It has no secret.
type Identity struct {
	Scheme string // such as x509, sasl, digest, or ip, which is there always
	ID     string // of digest only the user
}

// WhoAmI returns as whom the connected server knows this store's connection, by one request
// to it. Servers have that since ZooKeeper 3.7; older ones refuse it and end the connection, which is
// made again. It blocks until ctx ends at most. Errors are those of [Store.Ping].
func (s *Store) WhoAmI(ctx context.Context) ([]Identity, error) {
	reply, err := s.call(ctx, zk.WhoAmI{})
	if err != nil {
		return nil, s.translate("ask who is known at", s.znode("/"), err, false)
	}
	known := make([]Identity, len(reply.Identities))
	for i, identity := range reply.Identities {
		known[i] = Identity{identity.Scheme, identity.User}
	}
	return known, nil
}
