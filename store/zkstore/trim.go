package zkstore

import (
	"context"
	"errors"
	"slices"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

const (
	// maxTrim bounds how many entries one commit removes, when there are more than are
	// to be kept.
	maxTrim = 50
	// removeBatch is how many entries one transaction of a SetJournal removes. Their paths
	// fit into a request of half the limit.
	removeBatch = 400
	// maxListed is how many entries are listed. Of more, the oldest are made out by
	// their numbers.
	maxListed = 2 * store.MaxJournal
)

// listEntries sees to it that the entries of a document's journal are known, or its
// oldest ones if it is too long. They stay known for as long as nobody else commits.
func (c *commit) listEntries(ctx context.Context, path string) (err error) {
	s, f := c.store, c.folders[path]
	if base := c.base(path); !base.IsZero() && f.journal.at == base {
		return nil
	}
	long := f.journal.count > maxListed && f.journal.next < lastSequence
	if !long {
		f.journal.entries, err = s.entryNames(ctx, c.session, path)
		f.journal.count, f.journal.whole = len(f.journal.entries), true
		long = errors.Is(err, zk.ErrTooLarge)
	}
	if long && f.journal.next < lastSequence {
		f.journal, err = s.oldestEntries(ctx, c.session, path, f.journal)
	}
	if err != nil {
		return s.translate("commit", path, err, false)
	}
	c.folders[path] = f
	return nil
}

// oldestEntries makes out the oldest entries of a journal that is too long to be listed,
// if they are where their number says.
func (s *Store) oldestEntries(ctx context.Context, session *zk.Session, path string, j journal) (journal, error) {
	of, err := session.Call(ctx, zk.Exists{Path: s.history(path)})
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return j, err
	}
	j.next, j.count = nextSequence(of.Stat), int(of.Stat.NumChildren)
	j.entries, j.whole = nil, false
	names := namesBelow(j.next-int64(j.count)+maxTrim, maxTrim)
	looks := make([]zk.Request, len(names))
	for i, name := range names {
		looks[i] = zk.Exists{Path: s.entry(path, name)}
	}
	replies, _ := session.Do(ctx, looks...) // each reply has its own error
	for i, name := range names {
		switch err := replies[i].Err; {
		case err == nil:
			j.entries = append(j.entries, name)
		case !errors.Is(err, zk.ErrNoNode):
			return j, err
		}
	}
	return j, nil
}

// prepareAppend makes the requests of an entry: its creation, and the removal of
// those that are too many then. That the list of them is right is seen at the commit:
// it fails if one of them is gone, and nobody can add one without moving the document.
func (c *commit) prepareAppend(i int, op store.Append) {
	j := c.folders[op.Path].journal
	if j.keep == 0 {
		return
	}
	s := c.store
	create := zk.Create{Path: s.history(op.Path) + "/", Data: op.Data, ACL: c.acl, Mode: zk.PersistentSequential}
	if newest := j.newest(); newest >= lastSequence { // the server gives no more numbers
		create.Path, create.Mode = s.entry(op.Path, entryName(newest+1)), zk.Persistent
	}
	c.parts = append(c.parts, part{op: i, main: true, request: create})
	for _, name := range j.entries[:c.surplus(j)] {
		c.parts = append(c.parts, part{op: i, request: zk.Delete{Path: s.entry(op.Path, name), Version: zk.AnyVersion}})
	}
}

// newest is the number of the newest entry, 0 if that is not known.
func (j journal) newest() int64 {
	if !j.whole || len(j.entries) == 0 {
		return 0
	}
	number, _ := entryNumber(j.entries[len(j.entries)-1])
	return number
}

// surplus is how many entries this commit removes since they are too many when another
// one comes: none if somebody else goes on removing them.
func (c *commit) surplus(j journal) int {
	if c.trimmed > 2 {
		return 0
	}
	return min(max(0, j.count+1-j.keep), maxTrim, len(j.entries))
}

// trim removes the oldest entries of a journal until there are no more than keep, in
// steps. A step removes only what is too old whatever others do meanwhile, so it does not
// matter who else trims or commits. What an end of ctx leaves is removed by the commits,
// or by the next call.
func (s *Store) trim(ctx context.Context, session *zk.Session, path string, keep int) error {
	for {
		of, err := session.Call(ctx, zk.Exists{Path: s.history(path)})
		if errors.Is(err, zk.ErrNoNode) {
			return nil
		}
		if err != nil {
			return err
		}
		next, count := nextSequence(of.Stat), int(of.Stat.NumChildren)
		if count <= keep {
			return nil
		}
		if count > maxListed && next < lastSequence {
			oldest := namesBelow(next-maxListed, count-maxListed)
			removed, err := s.removeEntries(ctx, session, path, oldest)
			if err != nil {
				return err
			}
			if removed > 0 {
				continue
			}
		}
		names, err := s.entryNames(ctx, session, path)
		if err != nil {
			return err
		}
		_, err = s.removeEntries(ctx, session, path, names[:max(0, len(names)-keep)])
		return err
	}
}

// removeEntries removes the entries of those names and returns how many there were.
func (s *Store) removeEntries(ctx context.Context, session *zk.Session, path string, names []string) (removed int, _ error) {
	for batch := range slices.Chunk(names, removeBatch) {
		var all zk.Multi
		var each []zk.Request
		for _, name := range batch {
			removal := zk.Delete{Path: s.entry(path, name), Version: zk.AnyVersion}
			all, each = append(all, removal), append(each, removal)
		}
		_, err := session.Call(ctx, all)
		if err == nil {
			removed += len(batch)
			continue
		}
		if !errors.Is(err, zk.ErrNoNode) {
			return removed, err
		}
		replies, _ := session.Do(ctx, each...) // each reply has its own error
		for _, reply := range replies {
			switch {
			case reply.Err == nil:
				removed++
			case !errors.Is(reply.Err, zk.ErrNoNode):
				return removed, reply.Err
			}
		}
	}
	return removed, nil
}

// rememberEntries notes what the journals have after a commit.
func (c *commit) rememberEntries(results []zk.Result, versions []store.Version) {
	for i, op := range c.ops {
		f, known := c.folders[op.Target()]
		if !isAppend(op) || !known || f.journal.keep == 0 {
			continue
		}
		at := store.Version{}
		for j, other := range c.ops {
			if store.ChangesDocument(other) && other.Target() == op.Target() {
				at = versions[j]
			}
		}
		f.journal.remember(nameOf(c.resultOf(i, results).Path), c.surplus(f.journal), at)
		c.folders[op.Target()] = f
	}
}

// remember notes that the entry of that name came and so many of the oldest went, with
// the commit that made the version at.
func (j *journal) remember(made string, gone int, at store.Version) {
	j.entries, j.count, j.at = slices.Clone(j.entries[gone:]), j.count+1-gone, at
	number, ok := entryNumber(made)
	switch {
	case j.whole && ok && number > j.newest():
		j.entries = append(j.entries, made)
	case j.whole || len(j.entries) == 0: // the list is not to be trusted, or is used up
		j.at = store.Version{}
	}
}
