package zkstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// look fetches what is not known of the documents: their folders and journals, and
// whether they are still at the versions that the operations are based on. dataVersion,
// which the server compares, is the same again after delete and recreate. The folder's
// answer comes before the payload's: a document of the folder's version is the one that
// was seen, or a later one.
func (c *commit) look(ctx context.Context, anew bool) error {
	s := c.store
	var requests []zk.Request
	var readers []func([]zk.Reply) error
	ask := func(read func([]zk.Reply) error, asked ...zk.Request) {
		from := len(requests)
		requests = append(requests, asked...)
		readers = append(readers, func(replies []zk.Reply) error { return read(replies[from:len(requests)][:len(asked)]) })
	}
	c.folders = make(map[string]folder)
	for _, op := range c.ops {
		path := op.Target()
		if _, known := c.folders[path]; known || !isAppend(op) && !store.ChangesDocument(op) {
			continue
		}
		f, known := s.folders.get(path)
		if _, creates := op.(store.Create); creates && !known && !c.looked {
			f.supposed = true
		}
		c.folders[path] = f
		if known && !anew || f.supposed {
			continue
		}
		ask(func(replies []zk.Reply) error {
			f, err := newFolder(replies)
			if err != nil {
				return s.translate("commit", path, err, false)
			}
			c.folders[path] = f
			s.folders.set(path, f)
			return nil
		}, s.folderRequests(path)...)
	}
	for _, op := range c.ops {
		base := baseOf(op)
		if full := s.payload(op.Target()); !base.IsZero() && !s.watched.fresh(full, base) {
			m := s.watched.begin(full)
			ask(func(replies []zk.Reply) error { return c.confirm(ctx, op.Target(), base, replies[0], m) }, zk.Exists{Path: full, Watch: m.followed()})
		}
	}
	if len(requests) == 0 {
		return nil
	}
	replies, err := c.session.Do(ctx, requests...)
	if len(replies) != len(requests) {
		return s.translate("commit", c.path(), err, false)
	}
	for _, read := range readers {
		if err := read(replies); err != nil {
			return err
		}
	}
	return nil
}

// confirm refuses a base that is not the document's version now. The server may lag
// behind: that there is no document, or an older one, is only said behind a barrier.
func (c *commit) confirm(ctx context.Context, path string, base store.Version, reply zk.Reply, m mark) error {
	s := c.store
	found := store.Version{}
	switch {
	case reply.Err == nil:
		found = versionOf(reply.Stat)
	case !errors.Is(reply.Err, zk.ErrNoNode):
		return s.translate("commit", path, reply.Err, false)
	}
	s.saw(m, found, reply.Conn)
	if found.Before(base) {
		_, replies, err := s.ordered(ctx, path, zk.Exists{Path: s.payload(path)})
		if err == nil {
			err = replies[0].Err
		}
		switch {
		case err == nil:
			found = versionOf(replies[0].Stat)
		case errors.Is(err, zk.ErrNoNode):
			found = store.Version{}
		default:
			return s.translate("commit", path, err, false)
		}
	}
	switch {
	case found.IsZero():
		return fmt.Errorf("commit %s: document %w", path, store.ErrNotFound)
	case found != base:
		return fmt.Errorf("commit %s at %v: %w to %v", path, base, store.ErrConflict, found)
	}
	return nil
}

// checkFolders sees to it that folders exist and journals get their entries. again asks
// for another look.
func (c *commit) checkFolders(ctx context.Context, anew bool) (again bool, _ error) {
	for _, op := range c.ops {
		path := op.Target()
		f := c.folders[path]
		if f.journal.keep > 0 && store.ChangesDocument(op) && !store.Appends(c.ops, path) {
			if anew {
				return false, fmt.Errorf("commit %s: %w", path, store.ErrJournal)
			}
			again = true // it may have been switched off
		}
		if _, creates := op.(store.Create); creates && !f.exists && !f.supposed {
			if err := c.store.ensure(ctx, c.store.folder(path)); err != nil {
				return false, c.store.translate("commit", path, err, false)
			}
			again = true
		}
		if isAppend(op) && f.journal.keep > 0 {
			if err := c.listEntries(ctx, path); err != nil {
				return false, err
			}
		}
	}
	return again, nil
}
