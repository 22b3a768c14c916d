package zkstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// The roster of a document says who announced itself and has not withdrawn. A listener's
// record goes with its session, so it cannot say that its owner is still there; the
// entry in the roster is a persistent znode, made before the record and removed after it.
// Where the roster may not be written, listeners go without.

// entering is what enters a record in the roster. One that comes back changes its entry:
// who was about to forget it does not then. If it was forgotten already, it is made anew at
// once: until the entry is there, nobody waits for a listener that serves what it has.
func (s *Store) entering(ctx context.Context, session *zk.Session, rec *record, data []byte) (zk.Multi, error) {
	var ops zk.Multi
	acl, err := s.acl(ctx)
	if err != nil {
		return nil, err
	}
	missing, entered, err := s.lookAround(ctx, session, rec)
	for _, full := range missing {
		ops = append(ops, zk.Create{Path: full, ACL: acl.wire(), Mode: zk.Container})
	}
	if entered {
		return append(ops, zk.Set{Path: rec.entry(), Data: data, Version: zk.AnyVersion}), err
	}
	return append(ops, zk.Create{Path: rec.entry(), Data: data, ACL: acl.wire()}), err
}

// lookAround returns the folders of records and entries that a document does not have, and
// whether the record that comes back still has its entry. It need not look where this handle
// has just made the document. What is supposed wrongly is refused.
func (s *Store) lookAround(ctx context.Context, session *zk.Session, rec *record) (missing []string, entered bool, _ error) {
	folders := []string{s.listeners(rec.path), s.roster(rec.path)}
	if s.folders.takeFresh(rec.path) {
		return folders, false, nil
	}
	looks := []zk.Request{zk.Exists{Path: folders[0]}, zk.Exists{Path: folders[1]}}
	if rec.entered {
		looks = append(looks, zk.Exists{Path: rec.entry()})
	}
	replies, _ := session.Do(ctx, looks...) // each reply has its own error
	for i, reply := range replies {
		gone := errors.Is(reply.Err, zk.ErrNoNode)
		switch {
		case reply.Err != nil && !gone && !errors.Is(reply.Err, zk.ErrNoAuth):
			return nil, false, reply.Err
		case i == len(folders):
			entered = !gone
		case gone:
			missing = append(missing, folders[i])
		}
	}
	return missing, entered, nil
}

// enter changes the entry, or makes it if somebody forgot it. One that may not be made
// is done without.
func (s *Store) enter(ctx context.Context, session *zk.Session, rec *record, data []byte) error {
	acl, err := s.acl(ctx)
	if err != nil {
		return err
	}
	for range maxAttempts {
		_, err := session.Call(ctx, zk.Set{Path: rec.entry(), Data: data, Version: zk.AnyVersion})
		if errors.Is(err, zk.ErrNoNode) {
			_, err = session.Call(ctx, zk.Create{Path: rec.entry(), Data: data, ACL: acl.wire()})
		}
		if errors.Is(err, zk.ErrNoNode) { // the folder is missing
			if err = s.ensureContainer(ctx, session, rec.path, s.roster(rec.path)); err == nil {
				continue
			}
		}
		if err == nil || refused(err) && !errors.Is(err, zk.ErrNodeExists) {
			return nil
		}
		if !refused(err) {
			return err
		}
	}
	return nil
}

// leaveRoster removes the entries of records that go, or whose handle does: many in a transaction,
// and all transactions back to back, since thousands have to get through before Close ends. What
// fails is taken for a listener that was lost.
func (s *Store) leaveRoster(ctx context.Context, session *zk.Session, recs ...*record) error {
	var leaving writesTogether
	for _, rec := range recs {
		if rec.entered {
			leave := zk.Multi{zk.Delete{Path: rec.entry(), Version: zk.AnyVersion}}
			leaving = append(leaving, newSharedWrite(ctx, session, leave, nil))
		}
	}
	s.deliver(ctx, slices.Collect(slices.Chunk(leaving, sharedMost))...)
	for _, w := range leaving {
		if err := w.reply.Err; err != nil && !errors.Is(err, zk.ErrNoNode) && !errors.Is(err, zk.ErrNoAuth) {
			return err
		}
	}
	return nil
}

// farewellBound is how long Close waits for the roster.
const farewellBound = 500 * time.Millisecond

// withdrawAll says good-bye for all records; they go with the session.
func (s *Store) withdrawAll() {
	ctx, cancel := context.WithTimeout(context.Background(), farewellBound)
	defer cancel()
	var free, busy []*record // a write that hangs holds back no other's good-bye
	for _, rec := range s.records.list() {
		if give, ok := s.turns.tryTake(rec.full); ok {
			defer give()
			free = append(free, rec)
		} else {
			busy = append(busy, rec)
		}
	}
	errs := make([]error, len(busy)+1)
	errs[len(busy)] = s.sayFarewell(ctx, free)
	var waiting sync.WaitGroup
	for i, rec := range busy {
		waiting.Go(func() {
			give, err := s.take(ctx, rec)
			if err == nil {
				err = s.sayFarewell(ctx, []*record{rec})
				give()
			}
			errs[i] = err
		})
	}
	waiting.Wait()
	if err := cmp.Or(errs...); err != nil {
		s.logger.Info("zkstore: listeners count as lost: their good-byes were not heard", "error", err)
	}
}

func (s *Store) sayFarewell(ctx context.Context, recs []*record) error {
	if len(recs) == 0 {
		return nil
	}
	session, err := s.client.Session(ctx)
	if err != nil {
		return err
	}
	return s.leaveRoster(ctx, session, recs...)
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
	there := make(map[string]bool, len(present))
	for _, id := range present {
		there[id] = true
	}
	ids := slices.DeleteFunc(replies[0].Children, func(id string) bool { return there[id] })
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
		zk.Create{Path: record, ACL: passing, Mode: zk.Ephemeral},
		zk.Delete{Path: record, Version: zk.AnyVersion},
		zk.Delete{Path: s.entryOf(path, lost.ID), Version: int32(lost.Returns)},
	})
	if errors.Is(err, zk.ErrNodeExists) || errors.Is(err, zk.ErrNoNode) || errors.Is(err, zk.ErrBadVersion) {
		return nil
	}
	return s.translate("forget listener "+lost.ID+" of", path, err, false)
}
