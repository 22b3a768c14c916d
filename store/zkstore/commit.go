package zkstore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// Commit implements [store.Store]: one Multi. Foreign tools can write the same
// znodes at any time; a Multi checks versions like everybody's.
func (s *Store) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	if err := store.CheckCommit(ops); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("commit %s: %w", ops[0].Target(), err)
	}
	for _, op := range ops {
		if receipt, ok := op.(store.Receipt); ok {
			return s.commitSigned(ctx, ops, receipt)
		}
	}
	c := &commit{store: s, ops: ops}
	results, err := c.run(ctx)
	if err != nil {
		return nil, err
	}
	return c.conclude(ctx, results)
}

// commit is one call of Commit.
type commit struct {
	store  *Store
	ops    []store.Op
	signed *record     // that goes with the receipt, whose turn this commit has; nil without
	sent   atomic.Bool // from now on it may be applied

	ledgers map[string][]string // the entries that stay in the journals, by document
}

// part is one request of the Multi, and the operation that it belongs to.
type part struct {
	op      store.Op
	first   bool // of the operation's requests
	request any
}

// run sends the Multi until a server has judged it. The results are one per
// operation, that of its first request.
func (c *commit) run(ctx context.Context) ([]zk.MultiResponse, error) {
	s, path := c.store, c.ops[0].Target()
	for attempt := 0; ; attempt++ {
		parts, err := c.prepareAll(ctx)
		if err != nil {
			return nil, err
		}
		c.sent.Store(true)
		all, err := c.send(ctx, parts)
		if err == nil {
			results := perOp(parts, all)
			c.settle(results)
			return results, nil
		}
		if classify(err) != refused {
			return nil, translate("commit", path, err, true)
		}
		c.sent.Store(false)
		culprit := blame(parts, all)
		gone := errors.Is(err, zk.ErrNoNode) && attempt < 3
		switch culprit.op.(type) {
		case store.Create:
			// A parent was missing, or was tidied away by somebody's Delete in between.
			if !gone {
				return nil, refusal(culprit.op, err)
			}
			if err := s.ensure(ctx, s.folder(culprit.op.Target())); err != nil {
				return nil, translate("commit", path, err, false)
			}
		case store.Append:
			// The journal was switched off, or another commit trimmed it.
			if !gone {
				return nil, refusal(culprit.op, err)
			}
			s.sights.moved(s.history(culprit.op.Target()))
			s.ledgers.forget(culprit.op.Target())
		default:
			return nil, refusal(culprit.op, err)
		}
	}
}

func (c *commit) prepareAll(ctx context.Context) ([]part, error) {
	var parts []part
	for _, op := range c.ops {
		requests, err := c.prepare(ctx, op)
		if err != nil {
			return nil, err
		}
		for i, request := range requests {
			parts = append(parts, part{op, i == 0, request})
		}
	}
	return parts, nil
}

// perOp picks the result of each operation's first request.
func perOp(parts []part, all []zk.MultiResponse) []zk.MultiResponse {
	var results []zk.MultiResponse
	for i, p := range parts {
		if p.first {
			results = append(results, all[i])
		}
	}
	return results
}

// send waits for the answer until ctx ends; with a receipt, which must not be
// touched before, until there is one.
func (c *commit) send(ctx context.Context, parts []part) ([]zk.MultiResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, unsentError{err}
	}
	if c.signed != nil {
		ctx = c.store.conn.ctx
	}
	requests := make([]any, len(parts))
	for i, p := range parts {
		requests[i] = p.request
	}
	return call(ctx, c.store.conn, func(conn *zk.Conn) ([]zk.MultiResponse, error) { return conn.Multi(requests...) })
}

// blame returns the request that a refused Multi failed at: the first of which the
// server says so. Those after it have an error too, which means nothing.
func blame(parts []part, results []zk.MultiResponse) part {
	for i, result := range results {
		if result.Error != nil && i < len(parts) {
			return parts[i]
		}
	}
	return parts[0]
}

// errFenced means that the listener record is not as the commit's receipt supposed.
var errFenced = errors.New("the listener record moved")

// refusal says what a server's no to an operation means.
func refusal(op store.Op, err error) error {
	gone := errors.Is(err, zk.ErrNoNode)
	switch op.(type) {
	case store.Receipt:
		if gone || errors.Is(err, zk.ErrBadVersion) {
			return errFenced
		}
	case store.Hold, store.Release:
		if gone {
			return fmt.Errorf("commit %s: %w", op.Target(), store.ErrLockLost)
		}
	}
	return translate("commit", op.Target(), err, true)
}

// prepare makes the requests of an operation. dataVersion, which the server
// compares, is the same again after delete and recreate, so whether it is still
// the same document is looked up first; conclude looks again at what was hit.
func (c *commit) prepare(ctx context.Context, op store.Op) ([]any, error) {
	s := c.store
	if store.ChangesDocument(op) && !store.Appends(c.ops, op.Target()) {
		keep, err := s.keeps(ctx, op.Target())
		if err != nil {
			return nil, translate("commit", op.Target(), err, false)
		}
		if keep > 0 {
			return nil, fmt.Errorf("commit %s: %w", op.Target(), store.ErrJournal)
		}
	}
	switch op := op.(type) {
	case store.Create:
		return []any{&zk.CreateRequest{Path: s.payload(op.Path), Data: op.Data, Acl: s.acl}}, nil
	case store.Put:
		return []any{&zk.SetDataRequest{Path: s.payload(op.Path), Data: op.Data, Version: op.Base.Counter()}}, s.confirm(ctx, op.Path, op.Base)
	case store.Delete:
		return []any{&zk.DeleteRequest{Path: s.payload(op.Path), Version: op.Base.Counter()}}, s.confirm(ctx, op.Path, op.Base)
	case store.Receipt:
		return []any{&zk.SetDataRequest{Path: s.records(op.Path) + "/" + op.ID, Data: op.Data, Version: c.signed.version}}, nil
	case store.Append:
		return c.prepareAppend(ctx, op)
	case store.Hold:
		held, err := s.held(op.Lock)
		return []any{&zk.CheckVersionRequest{Path: held, Version: -1}}, err
	case store.Release:
		held, err := s.held(op.Lock)
		return []any{&zk.DeleteRequest{Path: held, Version: -1}}, err
	}
	return nil, fmt.Errorf("commit %s: unknown operation %T: %w", op.Target(), op, store.ErrConflict)
}

// confirm refuses a base that is not the document's version now.
func (s *Store) confirm(ctx context.Context, path string, base store.Version) error {
	if s.sights.fresh(s.payload(path), base) {
		return nil
	}
	found, err := s.stat(ctx, path)
	switch {
	case err != nil:
		return translate("commit", path, err, false)
	case found.stat == nil:
		return fmt.Errorf("commit %s: document %w", path, store.ErrNotFound)
	case found.version() != base:
		return fmt.Errorf("commit %s at %v: %w to %v", path, base, store.ErrConflict, found.version())
	}
	return nil
}

// settle notes what a successful Multi did to what this store keeps track of.
func (c *commit) settle(results []zk.MultiResponse) {
	for i, op := range c.ops {
		switch op := op.(type) {
		case store.Receipt:
			if stat := results[i].Stat; stat != nil {
				c.signed.version = stat.Version
			}
			c.store.presence.set(c.signed, op.Data)
		case store.Release:
			op.Lock.(*latch).given()
		}
	}
}

// conclude finds the versions that a successful Multi made.
func (c *commit) conclude(ctx context.Context, results []zk.MultiResponse) ([]store.Version, error) {
	s := c.store
	versions := make([]store.Version, len(c.ops))
	for i, op := range c.ops {
		switch op := op.(type) {
		case store.Put:
			stat := results[i].Stat
			if stat == nil {
				return nil, fmt.Errorf("commit %s: %w: the server's answer has no version", op.Path, store.ErrUnknownOutcome)
			}
			versions[i] = node{stat: stat}.version()
			s.sights.glimpsed(s.payload(op.Path), versions[i])
			if versions[i].Created() != op.Base.Created() {
				return nil, fmt.Errorf("commit %s: %w: the document was deleted and recreated in the same instant, and this commit replaced the new one", op.Path, store.ErrUnknownOutcome)
			}
		case store.Create:
			found, err := s.stat(ctx, op.Path)
			if err != nil { // nobody may conclude from that that nothing was written
				return nil, fmt.Errorf("commit %s: %w: it was created, and then: %v", op.Path, store.ErrUnknownOutcome, err)
			}
			if found.stat == nil {
				return nil, fmt.Errorf("commit %s: %w: it was created, and deleted by somebody else at once", op.Path, store.ErrUnknownOutcome)
			}
			versions[i] = store.NewVersion(found.stat.Czxid, found.stat.Czxid, 0)
		case store.Delete:
			s.tidy(ctx, op.Path)
		}
	}
	c.keepLedgers(results, versions)
	return versions, nil
}

// tidy removes the folders of a deleted document as far as they are empty and
// without data. It is a courtesy: failing at it is no error.
func (s *Store) tidy(ctx context.Context, path string) {
	for _, full := range []string{s.records(path), s.queue(path), s.folder(path)} {
		_, err := call(ctx, s.conn, func(c *zk.Conn) (any, error) {
			data, stat, err := c.Get(full)
			if err != nil || len(data) > 0 || stat.NumChildren > 0 {
				return nil, err
			}
			return nil, c.Delete(full, stat.Version)
		})
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			return
		}
	}
}
