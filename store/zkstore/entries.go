package zkstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// maxTrim bounds how many entries one commit removes, after the number to keep was
// lowered.
const maxTrim = 50

// sequenceDigits is how many digits the server writes at the end of a sequential znode's
// name.
const sequenceDigits = 10

// sequence returns the number at the end of a sequential znode's name.
func sequence(name string) (number uint64, ok bool) {
	if len(name) < sequenceDigits {
		return 0, false
	}
	number, err := strconv.ParseUint(name[len(name)-sequenceDigits:], 10, 64)
	return number, err == nil
}

// bySequence orders names by their numbers.
func bySequence(a, b string) int {
	na, _ := sequence(a)
	nb, _ := sequence(b)
	return cmp.Compare(na, nb)
}

// entryNames returns the entries of a journal, oldest first. Their names are the
// sequence numbers that the server gave them; others' names are left alone.
func (s *Store) entryNames(ctx context.Context, session *zk.Session, path string) ([]string, error) {
	reply, err := session.Call(ctx, zk.Children{Path: s.history(path)})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	names := slices.DeleteFunc(reply.Children, func(name string) bool {
		_, ok := sequence(name)
		return !ok || len(name) != sequenceDigits
	})
	slices.SortFunc(names, bySequence)
	return names, err
}

// readEntries returns the newest entries. One that cannot be read comes with its error.
func (s *Store) readEntries(ctx context.Context, session *zk.Session, path string, newest int) ([]store.Entry, error) {
	names, err := s.entryNames(ctx, session, path)
	if err != nil {
		return nil, err
	}
	var entries []store.Entry
	names = names[max(0, len(names)-newest):]
	for batch := range slices.Chunk(names, readBatch) {
		requests := make([]zk.Request, 0, 2*len(batch))
		for _, name := range batch {
			requests = append(requests, zk.Exists{Path: s.entry(path, name)}, zk.Get{Path: s.entry(path, name)})
		}
		replies, _ := session.Do(ctx, requests...) // each reply has its own error
		for i := range batch {
			stat, got := replies[2*i], replies[2*i+1]
			var entry store.Entry
			if stat.Err == nil { // of what may not be read, newer servers do not say it
				setOrigin(&entry, stat.Stat)
			}
			switch {
			case errors.Is(got.Err, zk.ErrNoNode), errors.Is(stat.Err, zk.ErrNoNode):
				continue // it was trimmed meanwhile
			case got.Err == nil:
				setOrigin(&entry, got.Stat)
				entry.Data = append([]byte{}, got.Data...)
			case refused(got.Err) || errors.Is(got.Err, zk.ErrTooLarge):
				entry.Err = s.translate("read an entry of", path, got.Err, false)
			default:
				return nil, got.Err
			}
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// setOrigin notes of which commit an entry is: its znode was created in the transaction that
// wrote the payload, so it has the number and the time of that.
func setOrigin(entry *store.Entry, stat zk.Stat) {
	entry.Order, entry.Tag, entry.Time = stat.Czxid, stat.Ctime, time.UnixMilli(stat.Ctime)
}

// readBatch is how many znodes are read at once.
const readBatch = 32

// listEntries sees to it that the entries of a document's journal are known. They stay
// known for as long as nobody else commits.
func (c *commit) listEntries(ctx context.Context, path string) error {
	f := c.folders[path]
	if base := c.base(path); !base.IsZero() && f.journal.at == base {
		return nil
	}
	names, err := c.store.entryNames(ctx, c.session, path)
	if err != nil && !errors.Is(err, zk.ErrTooLarge) { // what is too much to be listed is not trimmed
		return c.store.translate("commit", path, err, false)
	}
	f.journal.entries = names
	c.folders[path] = f
	return nil
}

// prepareAppend makes the requests of an entry: its creation, and the removal of
// those that are too many then. That the list of them is right is seen at the commit:
// it fails if one of them is gone, and nobody can add one without moving the document.
func (c *commit) prepareAppend(i int, op store.Append) {
	f := c.folders[op.Path]
	if f.journal.keep == 0 {
		return
	}
	s := c.store
	c.parts = append(c.parts, part{op: i, main: true, request: zk.Create{Path: s.history(op.Path) + "/", Data: op.Data, ACL: s.acl, Mode: zk.PersistentSequential}})
	for _, name := range f.journal.entries[:f.journal.surplus()] {
		c.parts = append(c.parts, part{op: i, request: zk.Delete{Path: s.entry(op.Path, name), Version: zk.AnyVersion}})
	}
}

// surplus is how many entries are too many when another one comes.
func (j journal) surplus() int { return min(max(0, len(j.entries)+1-j.keep), maxTrim) }

// rememberEntries notes what the journals have after a commit.
func (c *commit) rememberEntries(results []zk.Result, versions []store.Version) {
	for i, op := range c.ops {
		f, known := c.folders[op.Target()]
		if !isAppend(op) || !known || f.journal.keep == 0 {
			continue
		}
		made := c.resultOf(i, results).Path
		name := made[strings.LastIndexByte(made, '/')+1:]
		at := store.Version{}
		for j, other := range c.ops {
			if store.ChangesDocument(other) && other.Target() == op.Target() {
				at = versions[j]
			}
		}
		f.journal.entries = append(slices.Clone(f.journal.entries[f.journal.surplus():]), name)
		if f.journal.at = at; !at.IsZero() {
			if _, ok := sequence(name); !ok {
				f.journal.at = store.Version{} // the list is not to be trusted
			}
		}
		c.folders[op.Target()] = f
	}
}
