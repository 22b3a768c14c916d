package zkstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// maxAttempts bounds how often a commit goes out again because what it supposed of
// folders and journals was out of date. Each time others got something done.
const maxAttempts = 20

// commit is one call of Commit.
type commit struct {
	store   *Store
	ops     []store.Op
	record  *record // that the receipt goes to, whose turn this commit has; nil without
	receipt store.Receipt

	looked   bool // folders are looked at before anything is supposed of them
	unmarked bool // the payload cannot be marked as awaited

	// Of the present attempt.
	session *zk.Session
	acl     []zk.ACL          // of what it creates
	folders map[string]folder // by the paths of the documents
	parts   []part
	zxid    int64 // of the transaction
	madeAt  int64 // its time, if it created a document
	unknown error // why that is not known
	trimmed int   // how often somebody else had removed the journal's oldest entries
}

// Commit implements [store.Store]: one Multi. Foreign tools can write the same
// znodes at any time; a Multi checks versions like everybody's.
func (s *Store) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	if err := store.CheckCommit(ops); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("commit %s: %w", ops[0].Target(), err)
	}
	c := &commit{store: s, ops: ops}
	for _, op := range ops {
		if receipt, ok := op.(store.Receipt); ok {
			c.receipt = receipt
			c.record = s.recordOf(receipt.Path, receipt.ID)
			give, err := s.take(ctx, c.record)
			if err != nil {
				return nil, s.translate("commit", receipt.Path, err, false)
			}
			defer give()
			c.looked = true // what was looked at helps to find out what became of it
		}
		if release, ok := op.(store.Release); ok {
			if l, ours := release.Lock.(*latch); ours { // it is not lost if its place is seen to go meanwhile
				l.releasing.Add(1)
				defer l.released()
			}
		}
	}
	return c.run(ctx)
}

func (c *commit) path() string { return c.ops[0].Target() }

// run sends the Multi until a server has accepted or refused it.
func (c *commit) run(ctx context.Context) ([]store.Version, error) {
	for attempt, hangUps := 0, 0; ; attempt++ {
		if err := c.prepare(ctx); err != nil {
			return nil, err
		}
		if len(c.parts) == 0 { // an entry for a journal that is off
			return make([]store.Version, len(c.ops)), nil
		}
		results, err := c.send(ctx)
		switch {
		case err == nil:
			return c.conclude(ctx, results)
		case errors.Is(err, zk.ErrSessionLost) && !uncertain(err) && !refused(err):
			continue // it was not sent: once more in the next session
		case uncertain(err):
			versions, err := c.resolve(ctx, err)
			if hangUps++; !errors.Is(err, errNotApplied) || !c.tooLargeFor(hangUps) {
				return versions, err
			}
		default:
			if again, err := c.classify(err); !again {
				return nil, err
			}
		}
		if hangUps == maxHangUps {
			return nil, fmt.Errorf("commit %s: %w: the server hangs up on a request of %d bytes, again and again; its jute.maxbuffer may be lower than that", c.path(), store.ErrTooLarge, c.size())
		}
		if attempt == maxAttempts {
			return nil, fmt.Errorf("commit %s: %w: others create, delete or switch its journal all the time", c.path(), store.ErrConflict)
		}
	}
}

const (
	// maxHangUps is how often a server may hang up on a large request before that is
	// taken for its answer.
	maxHangUps = 3
	// largeRequest is the size from which on that is considered.
	largeRequest = 64 << 10
)

// tooLargeFor reports whether a commit that is known not to be applied, because the
// connection ended, should be tried again: servers hang up on what is too large for them.
func (c *commit) tooLargeFor(hangUps int) bool {
	return hangUps <= maxHangUps && c.size() >= largeRequest
}

func (c *commit) size() (bytes int) {
	for _, op := range c.ops {
		switch op := op.(type) {
		case store.Create:
			bytes += len(op.Data)
		case store.Put:
			bytes += len(op.Data)
		case store.Receipt:
			bytes += len(op.Data)
		case store.Append:
			bytes += len(op.Data)
		}
	}
	return bytes
}

// send makes one Multi of the parts.
func (c *commit) send(ctx context.Context) ([]zk.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	multi := make(zk.Multi, len(c.parts))
	for i, p := range c.parts {
		multi[i] = p.request
	}
	var made []string
	for _, op := range c.ops {
		if op, ok := op.(store.Create); ok {
			made = append(made, c.store.payload(op.Path))
		}
	}
	w := newSharedWrite(ctx, c.session, multi, nil)
	if len(made) > 0 {
		w = newCreation(ctx, c.session, multi, made)
	}
	reply := zk.Reply{}
	if len(made) == 1 && len(c.ops) == 1 {
		reply = c.store.shareWrite(w)
	} else {
		missing, _ := c.store.records.missing()
		asked := time.Now()
		c.store.send(ctx, writesTogether{w})
		if reply = w.reply; reply.Err == nil && missing == nil {
			c.store.watched.prove(reply.Conn, asked)
		}
	}
	if reply.Err == nil {
		c.madeAt, c.unknown = w.madeAt, w.unknown
	}
	c.zxid = reply.Zxid
	return reply.Results, reply.Err
}

// classify says what a server's no means, and whether the commit should go out again since
// something was not as it supposed.
func (c *commit) classify(err error) (again bool, _ error) {
	e, ok := errors.AsType[*zk.Error](err)
	if !ok || e.Index < 0 || e.Index >= len(c.parts) {
		return false, c.store.translate("commit", c.path(), err, true)
	}
	failed := c.parts[e.Index]
	op := c.ops[failed.op]
	path := op.Target()
	if _, missing := failed.request.(zk.Create); failed.guard && missing { // it was not, or what is above it is
		c.looked = true
		return true, nil
	}
	if failed.guard {
		return c.classifyGuard(path, e)
	}
	gone := e.Code == zk.ErrNoNode
	switch op.(type) {
	case store.Await: // no right to, or the znode is one that has no children
		c.unmarked = true
		return true, nil
	case store.Create:
		again = gone // a parent was tidied away in between
	case store.Append:
		// The journal was switched off, or trimmed by somebody else, or has an entry more.
		again = gone || e.Code == zk.ErrNodeExists
		if gone && !failed.main {
			c.trimmed++
		}
	case store.Receipt:
		if again = gone || e.Code == zk.ErrBadVersion; again { // somebody else wrote or removed it
			c.record.session = nil
		}
	case store.Hold, store.Release:
		if gone {
			return false, fmt.Errorf("commit %s: %w", path, store.ErrLockLost)
		}
	case store.Put, store.Delete:
		c.store.watched.moved(c.store.payload(path))
	}
	if again {
		c.store.folders.forget(path)
		return true, nil
	}
	return false, c.store.translate("commit", path, err, true)
}

// classifyGuard is classify for the refusal of a guard: the document was created or deleted, or its
// journal was switched, since its folder was looked at.
func (c *commit) classifyGuard(path string, e *zk.Error) (again bool, _ error) {
	s := c.store
	switch {
	case e.Code == zk.ErrNoAuth && e.Path == s.folder(path):
		f := c.folders[path]
		f.unguarded = true
		s.folders.set(path, f)
		return true, nil
	case e.Code == zk.ErrNoNode, e.Code == zk.ErrBadVersion:
		s.folders.forget(path)
		s.watched.moved(s.payload(path))
		return true, nil
	}
	return false, s.translate("commit", path, e, true)
}

// conclude notes what a successful Multi did, and finds the versions that it made.
func (c *commit) conclude(ctx context.Context, results []zk.Result) ([]store.Version, error) {
	s := c.store
	versions := make([]store.Version, len(c.ops))
	var unknown error
	for i, op := range c.ops {
		result := c.resultOf(i, results)
		switch op := op.(type) {
		case store.Receipt:
			c.record.version = result.Stat.Version
			s.records.set(c.record, op.Data)
		case store.Release:
			op.Lock.(*latch).given()
		case store.Put:
			versions[i] = versionOf(result.Stat)
			if versions[i].Created() != op.Base.Created() {
				unknown = fmt.Errorf("commit %s: %w: another tool deleted and recreated the document in the same instant, and this commit replaced the new one", op.Path, store.ErrUnknownOutcome)
			}
		case store.Create:
			if c.unknown != nil { // nobody may conclude from that that nothing was written
				unknown = fmt.Errorf("commit %s: %w: it was created, and then: %w", op.Path, store.ErrUnknownOutcome, c.unknown)
				continue
			}
			versions[i] = store.NewVersion(c.zxid, c.zxid, 0).WithTag(c.madeAt)
		}
	}
	c.remember(results, versions)
	for _, op := range c.ops {
		if op, ok := op.(store.Delete); ok {
			s.folders.forget(op.Path)
			s.tidy(ctx, op.Path)
		}
	}
	if unknown != nil {
		return nil, unknown
	}
	return versions, nil
}

// resultOf returns the result of an operation's own request.
func (c *commit) resultOf(op int, results []zk.Result) zk.Result {
	for i, p := range c.parts {
		if p.op == op && p.main {
			return results[i]
		}
	}
	return zk.Result{}
}
