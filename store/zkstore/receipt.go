package zkstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// inquiryPause is between two tries to find out what became of a commit.
const inquiryPause = 50 * time.Millisecond

// signature is a commit with a receipt: the writer's own ephemeral record, at the
// version it is known to have, gets new content in the same Multi. That makes the
// commit fail if the session was lost before it came to a server, and tells
// afterwards what became of it if the answer was lost.
type signature struct {
	commit
	receipt store.Receipt
	full    string // the record's znode
	burnt   []byte // what the inquiry writes into the record to make the commit fail
}

func (s *Store) commitSigned(ctx context.Context, ops []store.Op, receipt store.Receipt) ([]store.Version, error) {
	full := s.records(receipt.Path) + "/" + receipt.ID
	c := &signature{commit: commit{store: s, ops: ops, signed: s.presence.get(full)}, receipt: receipt, full: full}
	if err := c.signed.take(ctx); err != nil {
		return nil, translate("commit", receipt.Path, err, false)
	}
	type answer struct {
		versions []store.Version
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		// The turn is kept until the client has answered, even if the caller has left:
		// while a request may still go out, nobody touches the record that fences it.
		defer c.signed.give()
		versions, err := c.commitInTurn(ctx)
		answers <- answer{versions, err}
	}()
	select {
	case a := <-answers:
		return a.versions, a.err
	case <-ctx.Done():
	}
	if c.sent.Load() {
		return nil, fmt.Errorf("commit %s: %w: %w", receipt.Path, store.ErrUnknownOutcome, ctx.Err())
	}
	a := <-answers // at once: until it is sent, ctx ends it
	return a.versions, a.err
}

// commitInTurn commits under the record's fence, which it puts up where it is
// missing, and finds out what became of it if it has to.
func (c *signature) commitInTurn(ctx context.Context) ([]store.Version, error) {
	s := c.store
	for attempt := 0; ; attempt++ {
		if c.signed.session == 0 || c.signed.session != s.conn.session() {
			if err := s.presence.writeInTurn(ctx, c.full, c.signed, c.standing()); err != nil {
				return nil, translate("commit", c.receipt.Path, err, false)
			}
		}
		results, err := c.run(ctx)
		switch {
		case err == nil:
			return c.conclude(ctx, results)
		case errors.Is(err, store.ErrUnknownOutcome):
			return c.resolve(ctx, err)
		case !errors.Is(err, errFenced):
			return nil, err
		case attempt == 3:
			return nil, fmt.Errorf("commit %s: %w: %w: somebody else writes it", c.receipt.Path, store.ErrUnavailable, err)
		}
		c.signed.session = 0
	}
}

// standing is what the record holds before the commit.
func (c *signature) standing() []byte {
	c.store.presence.mu.Lock()
	defer c.store.presence.mu.Unlock()
	if c.signed.data != nil {
		return c.signed.data
	}
	return []byte("{}") // nothing was announced yet; it must not look like the receipt
}

// resolve finds out what became of a commit whose answer was lost, until ctx ends.
func (c *signature) resolve(ctx context.Context, lost error) ([]store.Version, error) {
	for {
		versions, err := c.inquire(ctx)
		switch {
		case err == nil:
			return versions, nil
		case errors.Is(err, errNotApplied):
			return nil, fmt.Errorf("commit %s: %w: the answer was lost: %w", c.receipt.Path, store.ErrUnavailable, err)
		case errors.Is(err, errLost), c.store.conn.ctx.Err() != nil:
			c.signed.session = 0
			return nil, fmt.Errorf("%w: %w", lost, err)
		}
		if pause(ctx, inquiryPause); ctx.Err() != nil {
			c.signed.session = 0 // its version is not known any more
			return nil, fmt.Errorf("%w: %w", lost, ctx.Err())
		}
	}
}

var (
	errNotApplied = errors.New("it was not applied")
	errLost       = errors.New("the session was lost, and what could tell with it")
)

// inquire looks once. The client has answered, so the request is not in its queue
// any more; what may still be on its way to a server is overtaken by the barrier, or
// fails at the fence: it is moved before "not applied" is said.
func (c *signature) inquire(ctx context.Context) ([]store.Version, error) {
	s := c.store
	var found node
	err := s.afterBarrier(ctx, c.receipt.Path, func() (err error) {
		found, err = call(ctx, s.conn, func(conn *zk.Conn) (node, error) {
			data, stat, err := conn.Get(c.full)
			return node{stat: stat, data: data}, err
		})
		return err
	})
	switch {
	case errors.Is(err, zk.ErrNoNode), err == nil && found.stat.EphemeralOwner != c.signed.session:
		return c.inquireWithoutRecord(ctx)
	case err != nil:
		return nil, err
	case found.stat.Version == c.signed.version:
		// White space at its end tells it from the receipt, and from what was there.
		c.burnt = append(bytes.Clone(found.data), ' ')
		stat, err := call(ctx, s.conn, func(conn *zk.Conn) (*zk.Stat, error) {
			return conn.Set(c.full, c.burnt, c.signed.version)
		})
		if err != nil { // either of the two may be applied after all
			return nil, err
		}
		c.signed.version = stat.Version
		return nil, errNotApplied
	case found.stat.Version == c.signed.version+1 && c.burnt != nil && bytes.Equal(found.data, c.burnt):
		c.signed.version = found.stat.Version
		return nil, errNotApplied
	case found.stat.Version == c.signed.version+1 && bytes.Equal(found.data, c.receipt.Data):
		c.signed.version = found.stat.Version
		return c.applied(found.stat.Mzxid), nil
	}
	return nil, errLost
}

// inquireWithoutRecord is what can be known when the session is gone. Nothing of it
// is applied any more then, so a document that has not moved was not changed; and if
// it has, its journal may tell.
func (c *signature) inquireWithoutRecord(ctx context.Context) ([]store.Version, error) {
	moved, err := c.moved(ctx)
	if err != nil {
		return nil, err
	}
	c.signed.session = 0
	if !moved {
		return nil, errNotApplied
	}
	for _, op := range c.ops {
		entry, ok := op.(store.Append)
		if !ok {
			continue
		}
		entries, err := c.store.readEntries(ctx, entry.Path, math.MaxInt)
		if err != nil {
			return nil, err
		}
		for _, found := range entries {
			if bytes.Equal(found.Data, entry.Data) {
				return c.applied(found.Order), nil
			}
		}
	}
	return nil, errLost
}

// moved reports whether the first document of the commit is at another version than
// the commit supposed.
func (c *signature) moved(ctx context.Context) (bool, error) {
	for _, op := range c.ops {
		if !store.ChangesDocument(op) {
			continue
		}
		found, err := c.store.stat(ctx, op.Target())
		if err != nil {
			return false, err
		}
		base := c.base(op.Target())
		return (found.stat == nil) != base.IsZero() || found.stat != nil && found.version() != base, nil
	}
	return true, nil
}

// applied notes, as settle does, and says, as conclude does, what a commit did that
// was found to be applied. All its parts bear the number of the one transaction.
func (c *signature) applied(order int64) []store.Version {
	c.store.presence.set(c.signed, c.receipt.Data)
	versions := make([]store.Version, len(c.ops))
	for i, op := range c.ops {
		switch op := op.(type) {
		case store.Create:
			versions[i] = store.NewVersion(order, order, 0)
		case store.Put:
			versions[i] = store.NewVersion(op.Base.Created(), order, op.Base.Counter()+1)
		case store.Release:
			op.Lock.(*latch).given()
		}
	}
	return versions
}
