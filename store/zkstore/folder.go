package zkstore

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// folder is what is known of a document's folder and of its journal. It may be out of
// date: a commit checks it in its transaction.
//
// Every commit of this package that creates or deletes the payload, and what switches
// the journal on, changes the version of the folder's data in the same transaction. So a
// commit that finds the folder's version as it was is about the same incarnation of the
// document, and misses no journal.
type folder struct {
	folderNode
	contents
}

// folderNode is the folder's own.
type folderNode struct {
	exists    bool
	supposed  bool  // it was not looked at: a commit that creates the document creates the folder too
	fresh     bool  // this handle made it, and has not seen or put anything but the document in it since
	unguarded bool  // the folder may not be read or written by us: commits do without its check
	version   int32 // of its data
	czxid     int64
}

// contents are what most folders are without.
type contents struct {
	data    []byte
	journal journal
}

// journal is what is known of a document's journal.
type journal struct {
	exists  bool  // the znode does
	version int32 // of its data
	data    []byte
	keep    int // 0: it is off, or the znode is somebody else's

	next    int64         // the number that the server gives to the next entry
	count   int           // how many entries there are
	entries []string      // their names, oldest first,
	whole   bool          // those of all, and not of the oldest only,
	at      store.Version // as long as the document is at this version; zero: they are not known
}

// journalConfig is the data of a journal's folder.
type journalConfig struct {
	Keep int `json:"keep"`
}

// folderCache has what is known of folders, by document. The zero value is ready.
type folderCache struct {
	mu    sync.Mutex // guards paths
	paths map[string]keptFolder
}

// keptFolder is a folder. contents are nil where there are none.
type keptFolder struct {
	folderNode
	contents *contents
}

func (c *folderCache) get(path string) (folder, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, ok := c.paths[path]
	f := folder{folderNode: kept.folderNode}
	if kept.contents != nil {
		f.contents = *kept.contents
	}
	return f, ok
}

func (c *folderCache) set(path string, f folder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paths == nil {
		c.paths = make(map[string]keptFolder)
	}
	kept := keptFolder{folderNode: f.folderNode}
	if f.data != nil || f.journal.exists {
		more := f.contents
		kept.contents = &more
	}
	c.paths[path] = kept
}

// takeFresh reports whether a folder is fresh. It is not from then on.
func (c *folderCache) takeFresh(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.paths[path]
	if !f.fresh {
		return false
	}
	f.fresh = false
	c.paths[path] = f
	return true
}

func (c *folderCache) forget(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.paths, path)
}

func (c *folderCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.paths)
}

// folderRequests are what newFolder wants the answers to.
func (s *Store) folderRequests(path string) []zk.Request {
	return []zk.Request{zk.Get{Path: s.folder(path)}, zk.Get{Path: s.history(path)}}
}

// newFolder makes sense of the answers to folderRequests.
func newFolder(replies []zk.Reply) (f folder, err error) {
	switch of := replies[0]; {
	case errors.Is(of.Err, zk.ErrNoNode):
	case errors.Is(of.Err, zk.ErrNoAuth):
		f.exists, f.unguarded = true, true
	case of.Err != nil:
		return folder{}, of.Err
	default:
		f.exists, f.version, f.czxid, f.data = true, of.Stat.Version, of.Stat.Czxid, of.Data
	}
	switch of := replies[1]; {
	case errors.Is(of.Err, zk.ErrNoNode):
	case of.Err != nil:
		return folder{}, of.Err
	default:
		f.journal = journal{exists: true, version: of.Stat.Version, data: of.Data, next: nextSequence(of.Stat), count: int(of.Stat.NumChildren)}
		var cfg journalConfig
		if json.Unmarshal(of.Data, &cfg) == nil && cfg.Keep > 0 {
			f.journal.keep = cfg.Keep
		}
	}
	return f, nil
}

// ensure makes a document's folder and its ancestors exist, without data. It looks first:
// the right to create in a parent is only needed where something is missing there.
func (s *Store) ensure(ctx context.Context, full string) error {
	acl, err := s.acl(ctx)
	if err != nil {
		return err
	}
	var paths []string
	for path := full; path != ""; path = path[:strings.LastIndexByte(path, '/')] {
		paths = append([]string{path}, paths...)
	}
	looks := make([]zk.Request, len(paths))
	for i, path := range paths {
		looks[i] = zk.Exists{Path: path}
	}
	replies, err := s.do(ctx, looks...)
	if len(replies) != len(looks) {
		return err
	}
	for i, path := range paths {
		switch err := replies[i].Err; {
		case err == nil, errors.Is(err, zk.ErrNoAuth): // it is there, also if it may not be read
			continue
		case !errors.Is(err, zk.ErrNoNode):
			return err
		}
		of := acl
		if path != full {
			of = acl.shareable()
		}
		_, err := s.call(ctx, zk.Create{Path: path, ACL: of.wire()})
		if err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
	}
	return nil
}

// tidy removes the folders of a deleted document as far as they are empty and without
// data. It is a courtesy: failing at it is no error, and if somebody comes meanwhile, all
// stay.
func (s *Store) tidy(ctx context.Context, path string) {
	paths := []string{s.listeners(path), s.roster(path), s.queue(path), s.folder(path)}
	looks := make([]zk.Request, len(paths))
	for i, full := range paths {
		looks[i] = zk.Get{Path: full}
	}
	session, err := s.client.Session(ctx)
	if err != nil {
		return
	}
	replies, _ := session.Do(ctx, looks...) // each reply has its own error
	var removals zk.Multi
	for i, reply := range replies {
		inside := int32(0) // of what goes too
		if i == len(paths)-1 {
			inside = int32(len(removals))
		}
		if reply.Err == nil && len(reply.Data) == 0 && reply.Stat.NumChildren == inside {
			removals = append(removals, zk.Delete{Path: paths[i], Version: reply.Stat.Version})
		}
	}
	if len(removals) > 0 {
		_, _ = session.Call(ctx, removals)
	}
}
