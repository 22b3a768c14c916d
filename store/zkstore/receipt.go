package zkstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// A commit with a receipt writes new content into the writer's own ephemeral record, at
// the version that the record is known to have, in the same Multi. So the commit fails
// if the record's session has ended, and the record tells afterwards what became of it
// if the answer was lost.

var (
	errNotApplied = errors.New("it was not applied")
	errLost       = errors.New("what could tell is gone")
)

// fence sees to it that the record is this session's, at a known version.
func (c *commit) fence(ctx context.Context) error {
	if c.record == nil || c.record.session == c.session {
		return nil
	}
	data := c.store.records.content(c.record)
	if data == nil {
		data = []byte("{}") // nothing was announced yet; it must not look like the receipt
	}
	return c.store.createRecordAlone(ctx, c.session, c.record, data)
}

// resolve finds out what became of a commit whose answer was lost, until ctx ends. What
// cannot be found out is an unknown outcome.
func (c *commit) resolve(ctx context.Context, lost error) (versions []store.Version, err error) {
	defer func() { c.store.counters.tellResolution(ctx, err) }()
	lost = c.store.translate("commit", c.path(), lost, true)
	if c.record == nil {
		return nil, lost
	}
	for q := (&inquiry{commit: c}); ; {
		versions, err := q.ask(ctx)
		switch {
		case err == nil:
			return versions, nil
		case errors.Is(err, errNotApplied):
			return nil, fmt.Errorf("commit %s: %w: the answer was lost: %w", c.path(), store.ErrUnavailable, err)
		case errors.Is(err, errLost), errors.Is(err, store.ErrUnknownOutcome), c.store.ctx.Err() != nil, ctx.Err() != nil:
			c.record.session = nil // its version is not known any more
			return nil, fmt.Errorf("%w: %w", lost, err)
		}
		pause(ctx, retryPause)
	}
}

// inquiry asks what became of a commit.
type inquiry struct {
	*commit
	revoked []byte // what was written into the record to make the commit fail; nil if it was not tried
}

// ask looks once: behind a barrier, so that what was on its way through the quorum can be
// seen. What may still be on its way to a server belongs to a connection or a session
// that has ended, or fails at the fence: the record is moved before "not applied" is said.
func (q *inquiry) ask(ctx context.Context) ([]store.Version, error) {
	requests := []zk.Request{zk.Get{Path: q.record.full}}
	for _, op := range q.ops {
		if store.ChangesDocument(op) {
			requests = append(requests, zk.Exists{Path: q.store.payload(op.Target())}, zk.Exists{Path: q.store.folder(op.Target())})
		}
	}
	session, replies, err := q.store.ordered(ctx, q.receipt.Path, requests...)
	if err != nil {
		return nil, err
	}
	for _, reply := range replies {
		if reply.Err != nil && !errors.Is(reply.Err, zk.ErrNoNode) && !errors.Is(reply.Err, zk.ErrNoAuth) {
			return nil, reply.Err
		}
	}
	found, documents := replies[0], replies[1:]
	if errors.Is(found.Err, zk.ErrNoAuth) { // it may still be a fence that lets the commit through
		return nil, errLost
	}
	if found.Err == nil && found.Stat.EphemeralOwner == q.session.ID() {
		switch {
		case found.Stat.Version == q.record.version:
			return nil, q.revoke(ctx, session, found.Data)
		case follows(q.record.version, found.Stat.Version) && q.revoked != nil && bytes.Equal(found.Data, q.revoked):
			q.moveRecord(session, found.Stat.Version)
			return nil, errNotApplied
		case follows(q.record.version, found.Stat.Version) && bytes.Equal(found.Data, q.receipt.Data):
			q.moveRecord(session, found.Stat.Version)
			return q.applied(found.Stat.Mzxid, found.Stat.Mtime, documents)
		}
	}
	return q.askDocuments(ctx, session, documents)
}

// moveRecord notes at which version the record is. It goes on being a fence only if its
// session does.
func (q *inquiry) moveRecord(session *zk.Session, version int32) {
	q.record.version = version
	if session != q.session {
		q.record.session = nil
	}
}

// revoke moves the record on, so that the commit can never be applied any more. White
// space at its end tells what it writes from the receipt, and from what was there.
func (q *inquiry) revoke(ctx context.Context, session *zk.Session, standing []byte) error {
	q.revoked = append(bytes.Clone(standing), ' ')
	var request zk.Request = setAt(q.record.full, q.revoked, q.record.version)
	if q.record.version != zk.AnyVersion {
		request = zk.Set{Path: q.record.full, Data: q.revoked, Version: q.record.version}
	}
	reply, err := session.Call(ctx, request)
	if err != nil { // either of the two may be applied after all
		return err
	}
	q.moveRecord(session, reply.Stat.Version) // 0 after -1: a Multi has no Stat
	return errNotApplied
}

// askDocuments is what can be known without the record: it was removed, or went with its
// session, or is somebody else's. The commit cannot be applied any more then. If a
// document is as the commit supposed, it was not applied; else a journal may tell.
func (q *inquiry) askDocuments(ctx context.Context, session *zk.Session, documents []zk.Reply) ([]store.Version, error) {
	q.record.session = nil
	for _, op := range q.ops {
		if !store.ChangesDocument(op) {
			continue
		}
		payload, of := documents[0], documents[1]
		documents = documents[2:]
		if q.untouched(op, payload, of) {
			return nil, errNotApplied
		}
	}
	for _, op := range q.ops {
		entry, ok := op.(store.Append)
		if !ok {
			continue
		}
		found, ok, err := q.store.findEntry(ctx, session, entry.Path, entry.Data, q.base(entry.Path).Order())
		if err != nil {
			return nil, err
		}
		if ok {
			return q.applied(found.Order, found.Tag, nil)
		}
	}
	return nil, errLost
}

// untouched reports whether a document shows that the commit did not change it. A
// document that is absent may have been created by the commit and deleted since; only a
// folder in which nothing was created or deleted since then tells the two apart.
func (q *inquiry) untouched(op store.Op, payload, of zk.Reply) bool {
	if _, creates := op.(store.Create); !creates {
		return payload.Err == nil && versionOf(payload.Stat) == baseOf(op)
	}
	before := q.folders[op.Target()]
	return errors.Is(payload.Err, zk.ErrNoNode) && before.exists && !before.unguarded && of.Err == nil &&
		of.Stat.Czxid == before.czxid && of.Stat.Version == before.version
}

// applied notes and says, as conclude does, what a commit did that was found to be
// applied. All its parts bear the number and the time of the one transaction. documents are what the
// documents are now, where that is known: one that was there before the commit, and is
// not the one that the commit was based on, was replaced by it.
func (q *inquiry) applied(order, tag int64, documents []zk.Reply) ([]store.Version, error) {
	q.store.records.set(q.record, q.receipt.Data)
	versions := make([]store.Version, len(q.ops))
	var unknown error
	for i, op := range q.ops {
		q.store.folders.forget(op.Target()) // their versions may have moved
		var now zk.Stat
		if store.ChangesDocument(op) && len(documents) > 0 {
			now, documents = documents[0].Stat, documents[2:]
		}
		switch op := op.(type) {
		case store.Create:
			versions[i] = store.NewVersion(order, order, 0).WithTag(tag)
		case store.Put:
			versions[i] = store.NewVersion(op.Base.Created(), order, op.Base.Counter()+1).WithTag(tag)
			if now.Mzxid == order {
				versions[i] = versionOf(now)
			}
			if now.Czxid != 0 && now.Czxid != op.Base.Created() && now.Czxid < order {
				unknown = fmt.Errorf("commit %s: %w: another tool deleted and recreated the document in the same instant, and this commit replaced the new one", op.Path, store.ErrUnknownOutcome)
			}
		case store.Release:
			op.Lock.(*latch).given()
		}
	}
	return versions, unknown
}
