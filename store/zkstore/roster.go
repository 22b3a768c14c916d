package zkstore

import (
	"context"
	"errors"
	"slices"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// The roster of a document says who announced itself and has not withdrawn. A listener's
// record goes with its session, so it cannot say that its owner is still there; the
// entry in the roster is a persistent znode, made before the record and removed after it.
// Where the roster may not be written, listeners go without.

// createRecord creates the record, and enters it in the roster before.
func (s *Store) createRecord(ctx context.Context, session *zk.Session, rec *record, data []byte) error {
	var enter zk.Request = zk.Create{Path: rec.entry, Data: data, ACL: s.acl}
	if rec.entered {
		enter = zk.Set{Path: rec.entry, Data: data, Version: zk.AnyVersion}
	}
	replies, err := session.Do(ctx, enter, zk.Create{Path: rec.full, Data: data, ACL: s.acl, Mode: zk.Ephemeral})
	if len(replies) < 2 {
		return err
	}
	if replies[1].Err == nil || errors.Is(replies[1].Err, zk.ErrNodeExists) {
		if err := s.enterAgain(ctx, session, rec, data, replies[0].Err); err != nil {
			return err
		}
	}
	return replies[1].Err
}

// enterAgain makes an entry that was refused. One that is there already, of the session
// before or of a namesake that died, is changed: who was about to forget it does not
// then. One that may not be made is done without.
func (s *Store) enterAgain(ctx context.Context, session *zk.Session, rec *record, data []byte, refusal error) error {
	for range maxAttempts {
		var enter zk.Request = zk.Create{Path: rec.entry, Data: data, ACL: s.acl}
		switch {
		case refusal == nil:
			return nil
		case errors.Is(refusal, zk.ErrNodeExists):
			enter = zk.Set{Path: rec.entry, Data: data, Version: zk.AnyVersion}
		case errors.Is(refusal, zk.ErrNoNode):
			if err := s.ensureContainer(ctx, session, rec.path, s.roster(rec.path)); err != nil && !refused(err) {
				return err
			}
		case refused(refusal):
			return nil
		default:
			return refusal
		}
		_, refusal = session.Call(ctx, enter)
	}
	return nil
}

// leaveRoster removes entries of records that go, or whose handle does. What fails is
// taken for a listener that was lost.
func (s *Store) leaveRoster(ctx context.Context, session *zk.Session, recs ...*record) error {
	var requests []zk.Request
	for _, rec := range recs {
		if rec.entered {
			requests = append(requests, zk.Delete{Path: rec.entry, Version: zk.AnyVersion})
		}
	}
	if len(requests) == 0 {
		return nil
	}
	replies, err := session.Do(ctx, requests...)
	if len(replies) == 0 {
		return err
	}
	for _, reply := range replies {
		if reply.Err != nil && !errors.Is(reply.Err, zk.ErrNoNode) && !errors.Is(reply.Err, zk.ErrNoAuth) {
			return reply.Err
		}
	}
	return nil
}

// Absent implements [store.Store]. The answer is linearizable.
func (s *Store) Absent(ctx context.Context, path string, present []string) ([]store.Listener, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	found, err := s.readRoster(ctx, path, present)
	if err != nil {
		return nil, s.translate("list lost listeners of", path, err, false)
	}
	return found, nil
}

func (s *Store) readRoster(ctx context.Context, path string, present []string) (found []store.Listener, _ error) {
	session, replies, err := s.ordered(ctx, path, zk.Children{Path: s.roster(path)})
	if err == nil {
		err = replies[0].Err
	}
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := slices.DeleteFunc(replies[0].Children, func(id string) bool { return slices.Contains(present, id) })
	slices.Sort(ids)
	for batch := range slices.Chunk(ids, readBatch) {
		requests := make([]zk.Request, len(batch))
		for i, id := range batch {
			requests[i] = zk.Get{Path: s.entryOf(path, id)}
		}
		answers, _ := session.Do(ctx, requests...) // each reply has its own error
		for i, id := range batch {
			answer := answers[i]
			switch {
			case answer.Err == nil:
				found = append(found, store.Listener{ID: id, Data: append([]byte{}, answer.Data...), Returns: int64(answer.Stat.Version)})
			case errors.Is(answer.Err, zk.ErrNoNode): // it withdrew meanwhile
			case refused(answer.Err):
				found = append(found, store.Listener{ID: id, Err: s.translate("read the entry of listener "+id+" of", path, answer.Err, false)})
			default:
				return nil, answer.Err
			}
		}
	}
	return found, nil
}

// Forget implements [store.Store]. That the record is not there is checked by making it,
// for no longer than the transaction.
func (s *Store) Forget(ctx context.Context, path string, lost store.Listener) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := store.CheckID(lost.ID); err != nil {
		return err
	}
	record := s.record(path, lost.ID)
	_, err := s.call(ctx, zk.Multi{
		zk.Create{Path: record, ACL: s.acl, Mode: zk.Ephemeral},
		zk.Delete{Path: record, Version: zk.AnyVersion},
		zk.Delete{Path: s.entryOf(path, lost.ID), Version: int32(lost.Returns)},
	})
	if errors.Is(err, zk.ErrNodeExists) || errors.Is(err, zk.ErrNoNode) || errors.Is(err, zk.ErrBadVersion) {
		return nil
	}
	return s.translate("forget listener "+lost.ID+" of", path, err, false)
}
