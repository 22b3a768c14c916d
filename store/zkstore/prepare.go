package zkstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// part is one request of the Multi, and the operation that it belongs to.
type part struct {
	op      int  // index of the operation
	main    bool // it is the operation's own
	guard   bool // it checks what is supposed of the document's folder or journal
	request zk.Op
}

// prepare takes a session, looks at what the operations suppose and is not known, and
// makes the parts.
func (c *commit) prepare(ctx context.Context) (err error) {
	s := c.store
	if c.session, err = s.client.Session(ctx); err != nil {
		return s.translate("commit", c.path(), err, false)
	}
	if err := c.fence(ctx); err != nil {
		return s.translate("commit", c.receipt.Path, err, false)
	}
	for anew := false; ; anew = true {
		if err := c.look(ctx, anew); err != nil {
			return err
		}
		again, err := c.checkFolders(ctx, anew)
		if err != nil {
			return err
		}
		if !again {
			break
		}
	}
	c.parts = nil
	for i := range c.ops {
		if err := c.prepareOp(i); err != nil {
			return err
		}
	}
	for path := range c.folders {
		c.prepareGuards(path)
	}
	return nil
}

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
		c.folders[path] = f
		if known && !anew {
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
			followed := s.hints.Watched(full)
			since := s.watched.begin(full)
			ask(func(replies []zk.Reply) error { return c.confirm(ctx, op.Target(), base, replies[0], since, followed) }, zk.Exists{Path: full, Watch: followed})
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
// behind: that there is no document is only said behind a barrier.
func (c *commit) confirm(ctx context.Context, path string, base store.Version, reply zk.Reply, since uint64, followed bool) error {
	s := c.store
	found := store.Version{}
	switch {
	case reply.Err == nil:
		found = versionOf(reply.Stat)
	case !errors.Is(reply.Err, zk.ErrNoNode):
		return s.translate("commit", path, reply.Err, false)
	}
	s.watched.saw(s.payload(path), since, found, followed)
	if found.IsZero() {
		_, replies, err := s.ordered(ctx, path, zk.Exists{Path: s.payload(path)})
		if err == nil {
			err = replies[0].Err
		}
		if err == nil {
			found = versionOf(replies[0].Stat)
		} else if !errors.Is(err, zk.ErrNoNode) {
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
		if _, creates := op.(store.Create); creates && !f.exists {
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

// prepareOp makes an operation's own requests.
func (c *commit) prepareOp(i int) error {
	s, own := c.store, func(request zk.Op) { c.parts = append(c.parts, part{op: i, main: true, request: request}) }
	switch op := c.ops[i].(type) {
	case store.Create:
		own(zk.Create{Path: s.payload(op.Path), Data: op.Data, ACL: s.acl})
	case store.Put:
		own(zk.Set{Path: s.payload(op.Path), Data: op.Data, Version: op.Base.Counter()})
	case store.Delete:
		own(zk.Delete{Path: s.payload(op.Path), Version: op.Base.Counter()})
	case store.Receipt:
		own(zk.Set{Path: c.record.full, Data: op.Data, Version: c.record.version})
	case store.Append:
		c.prepareAppend(i, op)
	case store.Hold:
		place, err := c.held(op.Lock)
		if err != nil {
			return err
		}
		own(zk.Check{Path: place, Version: zk.AnyVersion})
	case store.Release:
		place, err := c.held(op.Lock)
		if err != nil {
			return err
		}
		own(zk.Delete{Path: place, Version: zk.AnyVersion})
	default:
		return fmt.Errorf("commit %s: unknown operation %T: %w", op.Target(), op, store.ErrConflict)
	}
	return nil
}

// prepareGuards makes the requests that fail the commit if the folder or the journal is
// not as supposed. They come last, so that a refusal of an operation itself is what is
// seen of a commit that fails for both. See [folder].
func (c *commit) prepareGuards(path string) {
	s, f := c.store, c.folders[path]
	op, replaces := c.operationOn(path)
	guard := func(request zk.Op) { c.parts = append(c.parts, part{op: op, guard: true, request: request}) }
	switch {
	case f.unguarded || !f.exists:
	case replaces:
		guard(zk.Set{Path: s.folder(path), Data: f.data, Version: f.stat.Version})
	default:
		guard(zk.Check{Path: s.folder(path), Version: f.stat.Version})
	}
	if f.journal.exists {
		guard(zk.Check{Path: s.history(path), Version: f.journal.version})
	}
}

// operationOn returns an operation on a document, if possible the one that changes it,
// and whether that one creates or deletes it.
func (c *commit) operationOn(path string) (on int, replaces bool) {
	for i, op := range c.ops {
		if op.Target() != path || !store.ChangesDocument(op) && !isAppend(op) {
			continue
		}
		if on = i; store.ChangesDocument(op) {
			break
		}
	}
	_, creates := c.ops[on].(store.Create)
	_, deletes := c.ops[on].(store.Delete)
	return on, creates || deletes
}

func isAppend(op store.Op) bool {
	_, is := op.(store.Append)
	return is
}

// baseOf is the version that an operation changes, zero if there is none.
func baseOf(op store.Op) store.Version {
	switch op := op.(type) {
	case store.Put:
		return op.Base
	case store.Delete:
		return op.Base
	}
	return store.Version{}
}

// base is the version on which this commit changes a document, zero if it creates it
// or does not change it.
func (c *commit) base(path string) store.Version {
	for _, op := range c.ops {
		if base := baseOf(op); op.Target() == path && !base.IsZero() {
			return base
		}
	}
	return store.Version{}
}

// remember notes what folders and journals are after a commit.
func (c *commit) remember(results []zk.Result, versions []store.Version) {
	for i, p := range c.parts {
		if _, ok := p.request.(zk.Set); ok && p.guard {
			path := c.ops[p.op].Target()
			f := c.folders[path]
			f.stat.Version = results[i].Stat.Version
			c.folders[path] = f
		}
	}
	c.rememberEntries(results, versions)
	for path, f := range c.folders {
		c.store.folders.set(path, f)
	}
	for i, op := range c.ops {
		if !versions[i].IsZero() {
			c.store.watched.made(c.store.payload(op.Target()), versions[i])
		}
	}
}
