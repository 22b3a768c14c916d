package zkstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// node is what reading a znode gives.
type node struct {
	stat *zk.Stat // nil: there is none
	data []byte
}

func (n node) version() store.Version {
	return store.NewVersion(n.stat.Czxid, n.stat.Mzxid, n.stat.Version)
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Record{}, err
	}
	var found node
	read := func() (err error) {
		found, err = s.read(ctx, path, known)
		return err
	}
	var err error
	if mode == store.Linearizable {
		err = s.afterBarrier(ctx, path, read)
	} else {
		err = read()
	}
	switch {
	case err != nil:
		return store.Record{}, translate("load", path, err, false)
	case found.stat == nil:
		return store.Record{}, fmt.Errorf("load %s: document %w", path, store.ErrNotFound)
	}
	return store.Record{Version: found.version(), Data: found.data, Time: time.UnixMilli(found.stat.Mtime)}, nil
}

// afterBarrier makes a read linearizable: a barrier, and then the read in the same
// session, which is at least as new. If the session changed meanwhile, the read
// may have gone to a server that lags behind the barrier, and both are done again.
// (Another server within one session is no danger: a server that is behind what
// the session has seen refuses it.)
func (s *Store) afterBarrier(ctx context.Context, path string, read func() error) error {
	for {
		session := s.conn.session()
		if err := s.barrier(ctx, path); err != nil {
			return err
		}
		if err := read(); err != nil {
			return err
		}
		if session != 0 && s.conn.session() == session {
			return nil
		}
	}
}

// barrier returns once the quorum has ordered a transaction that was sent after
// the call began: a Multi that only checks is proposed like a write, so a deposed
// leader cannot answer it. ZooKeeper's sync is weaker, a deposed leader does answer
// it (ZOOKEEPER-1675). The Multi needs read permission only and changes nothing.
// A refusal (there is no such folder, or no right to read it) is proposed as well, so
// it is an answer of the same weight. One barrier serves all calls, of whatever
// document, that began before it was sent.
func (s *Store) barrier(ctx context.Context, path string) error {
	return s.rounds.Join(ctx, func(done func(error)) {
		go func() {
			_, err := call(s.conn.ctx, s.conn, func(c *zk.Conn) ([]zk.MultiResponse, error) {
				return c.Multi(&zk.CheckVersionRequest{Path: s.folder(path), Version: -1})
			})
			if errors.Is(err, zk.ErrNoNode) || errors.Is(err, zk.ErrNoAuth) {
				err = nil
			}
			done(err)
		}()
	})
}

// read looks at the payload, and fetches it unless it is at known. Each look sets
// the watch anew if somebody follows the document, on the payload's absence too:
// Exists does that, which is why it has the last word there.
func (s *Store) read(ctx context.Context, path string, known store.Version) (node, error) {
	for {
		if !known.IsZero() && !s.sights.likelyMoved(s.payload(path), known) {
			found, err := s.stat(ctx, path)
			if err != nil || found.stat == nil || found.version() == known {
				return found, err
			}
		}
		full := s.payload(path)
		since := s.sights.begin(full)
		found, err := call(ctx, s.conn, func(c *zk.Conn) (node, error) {
			data, stat, err := c.Get(full)
			return node{stat, append([]byte{}, data...)}, err
		})
		if err == nil {
			s.see(full, since, found)
			if found.version() == known {
				found.data = nil
			}
		}
		if !errors.Is(err, zk.ErrNoNode) {
			return found, err
		}
		if found, err = s.stat(ctx, path); err != nil || found.stat == nil {
			return found, err
		}
	}
}

// stat looks whether the payload is there, and at which version.
func (s *Store) stat(ctx context.Context, path string) (node, error) {
	full := s.payload(path)
	since := s.sights.begin(full)
	found, err := s.exists(ctx, full)
	if err == nil {
		s.see(full, since, found)
	}
	return found, err
}

func (s *Store) exists(ctx context.Context, full string) (node, error) {
	return call(ctx, s.conn, func(c *zk.Conn) (node, error) {
		exists, stat, err := c.Exists(full)
		if err != nil || !exists {
			return node{}, err
		}
		return node{stat: stat}, nil
	})
}

// see remembers what a look showed, if it set a watch. A payload's bytes are not
// kept.
func (s *Store) see(full string, since uint64, found node) {
	version := store.Version{}
	if found.stat != nil {
		version = found.version()
	}
	s.sights.glimpsed(full, version)
	if s.watched(full) {
		s.sights.keep(full, since, node{stat: found.stat})
	}
}

// ensure creates a znode and its ancestors, empty and open to all, where missing.
func (s *Store) ensure(ctx context.Context, full string) error {
	create := func(full string) error {
		_, err := call(ctx, s.conn, func(c *zk.Conn) (string, error) {
			return c.Create(full, nil, 0, s.acl)
		})
		if errors.Is(err, zk.ErrNodeExists) {
			return nil
		}
		return err
	}
	err := create(full)
	if !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	parent := full[:strings.LastIndexByte(full, '/')]
	if parent == "" {
		return err
	}
	if err := s.ensure(ctx, parent); err != nil {
		return err
	}
	return create(full)
}
