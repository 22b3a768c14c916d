package zkstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// Commit implements [store.Store]: one Multi. Foreign tools can write the same
// znodes at any time; a Multi checks versions like everybody's.
func (s *Store) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	if err := store.CheckCommit(ops); err != nil {
		return nil, err
	}
	path := ops[0].Target()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("commit %s: %w", path, err)
	}
	requests := make([]any, len(ops))
	for i, op := range ops {
		var err error
		if requests[i], err = s.prepare(ctx, op); err != nil {
			return nil, err
		}
	}
	for attempt := 0; ; attempt++ {
		results, err := call(ctx, s.conn, func(c *zk.Conn) ([]zk.MultiResponse, error) { return c.Multi(requests...) })
		if err == nil {
			return s.conclude(ctx, ops, results)
		}
		// A parent was missing, or was tidied away by somebody's Delete in between.
		if !errors.Is(err, zk.ErrNoNode) || attempt == 3 {
			return nil, translate("commit", path, err, true)
		}
		made, ensureErr := s.ensureParents(ctx, ops)
		if ensureErr != nil {
			return nil, translate("commit", path, ensureErr, false)
		}
		if !made {
			return nil, translate("commit", path, err, true)
		}
	}
}

// prepare makes the request of an operation. dataVersion, which the server
// compares, is the same again after delete and recreate, so whether it is still
// the same document is looked up first; conclude looks again at what was hit.
func (s *Store) prepare(ctx context.Context, op store.Op) (any, error) {
	var base store.Version
	var request any
	switch op := op.(type) {
	case store.Create:
		return &zk.CreateRequest{Path: s.payload(op.Path), Data: op.Data, Acl: zk.WorldACL(zk.PermAll)}, nil
	case store.Put:
		base = op.Base
		request = &zk.SetDataRequest{Path: s.payload(op.Path), Data: op.Data, Version: base.Counter()}
	case store.Delete:
		base = op.Base
		request = &zk.DeleteRequest{Path: s.payload(op.Path), Version: base.Counter()}
	}
	found, err := s.stat(ctx, op.Target())
	switch {
	case err != nil:
		return nil, translate("commit", op.Target(), err, false)
	case found.stat == nil:
		return nil, fmt.Errorf("commit %s: document %w", op.Target(), store.ErrNotFound)
	case found.version() != base:
		return nil, fmt.Errorf("commit %s at %v: %w to %v", op.Target(), base, store.ErrConflict, found.version())
	}
	return request, nil
}

// ensureParents makes the folders of the documents that ops create, and reports
// whether there are any.
func (s *Store) ensureParents(ctx context.Context, ops []store.Op) (bool, error) {
	made := false
	for _, op := range ops {
		if create, ok := op.(store.Create); ok {
			if err := s.ensure(ctx, s.folder(create.Path)); err != nil {
				return false, err
			}
			made = true
		}
	}
	return made, nil
}

// conclude finds the versions that a successful Multi made.
func (s *Store) conclude(ctx context.Context, ops []store.Op, results []zk.MultiResponse) ([]store.Version, error) {
	versions := make([]store.Version, len(ops))
	for i, op := range ops {
		switch op := op.(type) {
		case store.Put:
			stat := results[i].Stat
			if stat == nil {
				return nil, fmt.Errorf("commit %s: %w: the server's answer has no version", op.Path, store.ErrUnknownOutcome)
			}
			versions[i] = node{stat: stat}.version()
			if versions[i].Created() != op.Base.Created() {
				return nil, fmt.Errorf("commit %s: %w: the document was deleted and recreated in the same instant, and this commit replaced the new one", op.Path, store.ErrUnknownOutcome)
			}
		case store.Create:
			found, err := s.stat(ctx, op.Path)
			if err != nil {
				return nil, translate("commit", op.Path, err, true)
			}
			if found.stat == nil {
				return nil, fmt.Errorf("commit %s: created, and deleted by somebody else at once: document %w", op.Path, store.ErrNotFound)
			}
			versions[i] = store.NewVersion(found.stat.Czxid, found.stat.Czxid, 0)
		case store.Delete:
			s.tidy(ctx, op.Path)
		}
	}
	return versions, nil
}

// tidy removes the folders of a deleted document as far as they are empty and
// without data. It is a courtesy: failing at it is no error.
func (s *Store) tidy(ctx context.Context, path string) {
	for _, full := range []string{s.records(path), s.folder(path)} {
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
