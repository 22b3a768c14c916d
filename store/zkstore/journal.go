package zkstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// maxTrim bounds how many entries one commit removes, after the number to keep was
// lowered.
const maxTrim = 50

// journalConfig is the data of a journal's folder.
type journalConfig struct {
	Keep int `json:"keep"`
}

// keeps returns how many entries a document's journal keeps, 0 if it is off.
func (s *Store) keeps(ctx context.Context, path string) (int, error) {
	full := s.history(path)
	found, known := s.sights.at(full)
	if !known {
		since := s.sights.begin(full)
		var err error
		if found, err = s.readJournal(ctx, full); err != nil {
			return 0, err
		}
		if s.watched(full) {
			s.sights.keep(full, since, found)
		}
	}
	if found.stat == nil {
		return 0, nil
	}
	var cfg journalConfig
	if err := json.Unmarshal(found.data, &cfg); err != nil || cfg.Keep <= 0 {
		return 0, nil // somebody else's folder
	}
	return cfg.Keep, nil
}

func (s *Store) readJournal(ctx context.Context, full string) (node, error) {
	for {
		found, err := call(ctx, s.conn, func(c *zk.Conn) (node, error) {
			data, stat, err := c.Get(full)
			return node{stat: stat, data: data}, err
		})
		if !errors.Is(err, zk.ErrNoNode) {
			return found, err
		}
		if found, err = s.exists(ctx, full); err != nil || found.stat == nil { // it also sets the watch
			return found, err
		}
	}
}

// SetJournal implements [store.Store].
func (s *Store) SetJournal(ctx context.Context, path string, keep int) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("switch the journal of %s: %w", path, err)
	}
	var err error
	if keep > 0 {
		err = s.makeJournal(ctx, path, keep)
	} else {
		err = s.removeJournal(ctx, path)
	}
	s.sights.moved(s.history(path))
	s.ledgers.forget(path)
	return translate("switch the journal of", path, err, false)
}

func (s *Store) makeJournal(ctx context.Context, path string, keep int) error {
	full := s.history(path)
	data, err := json.Marshal(journalConfig{keep})
	if err != nil {
		return err
	}
	for {
		_, err := call(ctx, s.conn, func(c *zk.Conn) (any, error) { return c.Set(full, data, -1) })
		if !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		if err := s.ensure(ctx, s.folder(path)); err != nil {
			return err
		}
		_, err = call(ctx, s.conn, func(c *zk.Conn) (string, error) { return c.Create(full, data, 0, s.acl) })
		if !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
	}
}

// removeJournal removes the entries and then the folder. A commit in between may add
// one, so it goes on until the folder is gone.
func (s *Store) removeJournal(ctx context.Context, path string) error {
	for {
		names, err := s.entryNames(ctx, path)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := s.remove(ctx, s.history(path)+"/"+name); err != nil {
				return err
			}
		}
		if err := s.remove(ctx, s.history(path)); !errors.Is(err, zk.ErrNotEmpty) || len(names) == 0 {
			return err
		}
	}
}

// remove deletes a znode, if it is there.
func (s *Store) remove(ctx context.Context, full string) error {
	_, err := call(ctx, s.conn, func(c *zk.Conn) (any, error) { return nil, c.Delete(full, -1) })
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

// Journal implements [store.Store].
func (s *Store) Journal(ctx context.Context, path string, newest int) (keep int, entries []store.Entry, err error) {
	if err := store.CheckPath(path); err != nil {
		return 0, nil, err
	}
	err = s.afterBarrier(ctx, path, func() (err error) {
		s.sights.moved(s.history(path)) // what is remembered may lag behind the barrier
		if keep, err = s.keeps(ctx, path); err != nil || keep == 0 || newest <= 0 {
			return err
		}
		entries, err = s.readEntries(ctx, path, newest)
		return err
	})
	if err != nil {
		return 0, nil, translate("read the journal of", path, err, false)
	}
	return keep, entries, nil
}

func (s *Store) readEntries(ctx context.Context, path string, newest int) ([]store.Entry, error) {
	names, err := s.entryNames(ctx, path)
	if err != nil {
		return nil, err
	}
	var entries []store.Entry
	for _, name := range names[max(0, len(names)-newest):] {
		found, err := call(ctx, s.conn, func(c *zk.Conn) (node, error) {
			data, stat, err := c.Get(s.history(path) + "/" + name)
			return node{stat: stat, data: data}, err
		})
		switch {
		case err == nil:
			entries = append(entries, store.Entry{Order: found.stat.Czxid, Time: time.UnixMilli(found.stat.Ctime), Data: append([]byte{}, found.data...)})
		case !errors.Is(err, zk.ErrNoNode): // else it was trimmed meanwhile
			return nil, err
		}
	}
	return entries, nil
}

// entryNames returns the entries of a journal, oldest first. Their names are the
// sequence numbers that the server gave them; others' names are left alone.
func (s *Store) entryNames(ctx context.Context, path string) ([]string, error) {
	names, err := call(ctx, s.conn, func(c *zk.Conn) ([]string, error) {
		names, _, err := c.Children(s.history(path))
		return names, err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return len(name) != 10 || slices.ContainsFunc([]byte(name), func(c byte) bool { return c < '0' || c > '9' })
	})
	slices.Sort(names)
	return names, err
}

// ledgers remembers which entries the journals have, as long as nobody else commits.
type ledgers struct {
	mu    sync.Mutex // guards paths
	paths map[string]ledger
}

type ledger struct {
	at    store.Version // of the document, when names were all
	names []string
}

func (l *ledgers) get(path string, at store.Version) ([]string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.paths[path]
	return found.names, ok && found.at == at && !at.IsZero()
}

func (l *ledgers) set(path string, at store.Version, names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paths == nil {
		l.paths = make(map[string]ledger)
	}
	l.paths[path] = ledger{at, names}
}

func (l *ledgers) forget(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.paths, path)
}

// prepareAppend makes the requests of an entry: its creation, and the removal of
// those that are too many then. That the list of them is right is seen at the commit:
// it fails if one of them is gone, and nobody can add one without moving the document.
func (c *commit) prepareAppend(ctx context.Context, op store.Append) ([]any, error) {
	s := c.store
	keep, err := s.keeps(ctx, op.Path)
	if err != nil {
		return nil, translate("commit", op.Path, err, false)
	}
	if keep == 0 {
		// Nothing is to be done, but each operation has a result: this one is free.
		return []any{&zk.CheckVersionRequest{Path: s.folder(op.Path), Version: -1}}, nil
	}
	names, ok := s.ledgers.get(op.Path, c.base(op.Path))
	if !ok {
		if names, err = s.entryNames(ctx, op.Path); err != nil {
			return nil, translate("commit", op.Path, err, false)
		}
	}
	if c.ledgers == nil {
		c.ledgers = make(map[string][]string)
	}
	full := s.history(op.Path)
	requests := []any{&zk.CreateRequest{Path: full + "/", Data: op.Data, Acl: s.acl, Flags: zk.FlagSequence}}
	surplus := min(max(0, len(names)+1-keep), maxTrim)
	for _, name := range names[:surplus] {
		requests = append(requests, &zk.DeleteRequest{Path: full + "/" + name, Version: -1})
	}
	c.ledgers[op.Path] = names[surplus:]
	return requests, nil
}

// base is the version on which this commit changes a document, zero if it creates it
// or does not change it.
func (c *commit) base(path string) store.Version {
	for _, op := range c.ops {
		switch op := op.(type) {
		case store.Put:
			if op.Path == path {
				return op.Base
			}
		case store.Delete:
			if op.Path == path {
				return op.Base
			}
		}
	}
	return store.Version{}
}

// keepLedgers notes what the journals have after a commit.
func (c *commit) keepLedgers(results []zk.MultiResponse, versions []store.Version) {
	for i, op := range c.ops {
		entry, ok := op.(store.Append)
		names, written := c.ledgers[op.Target()]
		if !ok || !written {
			continue
		}
		at := store.Version{}
		for j, other := range c.ops {
			if store.ChangesDocument(other) && other.Target() == entry.Path {
				at = versions[j]
			}
		}
		name := results[i].String
		c.store.ledgers.set(entry.Path, at, append(slices.Clip(names), name[len(name)-10:]))
	}
}
