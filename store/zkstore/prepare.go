package zkstore

import (
	"context"
	"fmt"
	"slices"

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
	if slices.ContainsFunc(c.ops, creates) {
		acl, err := s.acl(ctx)
		if err != nil {
			return s.translate("commit", c.path(), err, false)
		}
		c.acl = acl.wire()
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

// creates reports whether an operation makes a znode that stays.
func creates(op store.Op) bool {
	_, document := op.(store.Create)
	return document || isAppend(op)
}

// passing is the ACL of what a transaction makes and removes.
var passing = OpenACL.wire()

// prepareOp makes an operation's own requests.
func (c *commit) prepareOp(i int) error {
	s, own := c.store, func(requests ...zk.Op) {
		for at, request := range requests { // the first is the operation itself
			c.parts = append(c.parts, part{op: i, main: at == 0, request: request})
		}
	}
	switch op := c.ops[i].(type) {
	case store.Create:
		if c.folders[op.Path].supposed {
			c.parts = append(c.parts, part{op: i, guard: true, request: zk.Create{Path: s.folder(op.Path), ACL: c.acl}})
		}
		own(zk.Create{Path: s.payload(op.Path), Data: op.Data, ACL: c.acl})
	case store.Put:
		own(setAt(s.payload(op.Path), op.Data, op.Base.Counter())...)
	case store.Delete:
		own(deleteAt(s.payload(op.Path), op.Base.Counter())...)
	case store.Receipt:
		own(setAt(c.record.full, op.Data, c.record.version)...)
	case store.Await:
		if !c.unmarked {
			own(zk.Create{Path: s.awaited(op.Path), ACL: passing})
			own(zk.Delete{Path: s.awaited(op.Path), Version: zk.AnyVersion})
		}
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
	guard := func(requests zk.Multi) {
		for _, request := range requests {
			c.parts = append(c.parts, part{op: op, guard: true, request: request})
		}
	}
	switch {
	case f.unguarded || !f.exists:
	case replaces:
		guard(setAt(s.folder(path), f.data, f.version))
	default:
		guard(checkAt(s.folder(path), f.data, f.version))
	}
	if f.journal.exists {
		guard(checkAt(s.history(path), f.journal.data, f.journal.version))
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
		path := c.ops[p.op].Target()
		f := c.folders[path]
		switch set, sets := p.request.(zk.Set); {
		case p.guard && f.supposed:
			f = folder{folderNode: folderNode{exists: true, fresh: true, czxid: c.zxid}}
		case p.guard && sets && set.Path == c.store.folder(path):
			f.version = results[i].Stat.Version
		case p.guard && sets:
			f.journal.version = results[i].Stat.Version
		default:
			continue
		}
		c.folders[path] = f
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
