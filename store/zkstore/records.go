package zkstore

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"

	"github.com/zkstate/zkstate/internal/zk"
)

// records are this store's listener records. A record is an ephemeral znode: it dies
// with the session, and a new session has to put it back.
type records struct {
	wake chan struct{} // level-triggered: look after the records

	mu     sync.Mutex // guards all below
	all    map[string]*record
	losses int           // sessions that were lost with records in them
	back   chan struct{} // closed once the new session has put them back; nil: they are there
}

// lost notes that the records went with their session.
//
// Until they are back, or are known to be refused, nothing that the handle is told confirms
// what its listeners serve, and linearizable reads wait. Else one who waits for all
// listeners could see neither the record nor, if that was forgotten meanwhile, the entry of
// one that has just read the version before.
func (r *records) lost() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == 0 {
		return
	}
	r.losses++
	if r.back == nil {
		r.back = make(chan struct{})
	}
}

// missing returns what is closed once the records are back, nil if they are there, and how
// often they were lost.
func (r *records) missing() (back <-chan struct{}, losses int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.back, r.losses
}

// returned notes that the records are back that had been lost so often.
func (r *records) returned(losses int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.back != nil && r.losses == losses {
		close(r.back)
		r.back = nil
	}
}

// record is one listener record that is to exist, or to go.
type record struct {
	full string // the znode
	path string // of the document

	data    []byte // guarded by records.mu; nil: nothing was announced yet
	leaving bool   // guarded by records.mu: withdrawn, but not known to be gone
	removed bool   // guarded by records.mu: somebody removed the znode

	// What the znode is known to be, guarded by its turn. A commit with a receipt is
	// fenced by it: after a loss of the session, or another's write, it fails.
	entered bool // there is an entry in the roster
	version int32
	session *zk.Session // whose it is, nil if that is not known
	conn    uint64      // the connection that tells of its end, 0 if none does
}

// entry is the znode in the roster: the record /a/listeners/x has the entry /a/listeners_open/x.
func (rec *record) entry() string {
	end := strings.LastIndexByte(rec.full, '/')
	return rec.full[:end] + "_open" + rec.full[end:]
}

func newRecords() records {
	return records{wake: make(chan struct{}, 1), all: make(map[string]*record)}
}

// wakeKeeper asks the keeper to look after all records. It never blocks.
func (r *records) wakeKeeper() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// recordOf returns the record of a listener, a new one if there is none.
func (s *Store) recordOf(path, id string) *record {
	r, full := &s.records, s.record(path, id)
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.all[full]
	if found == nil {
		found = &record{full: full, path: path}
		r.all[full] = found
	}
	return found
}

// set says what the record is to hold.
func (r *records) set(rec *record, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.data, rec.leaving = append([]byte{}, data...), false
	r.all[rec.full] = rec
	if rec.removed {
		r.wakeKeeper()
	}
}

// withdraw says that the record is to go, and returns it; nil if there is none.
func (r *records) withdraw(full string) *record {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.all[full]
	if rec != nil {
		rec.data, rec.leaving = nil, true
	}
	return rec
}

// content returns what the record is to hold, nil if nothing.
func (r *records) content(rec *record) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rec.data
}

func (r *records) isLeaving(rec *record) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rec.leaving
}

// gone notes that a record that was to go is gone.
func (r *records) gone(rec *record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec.leaving && r.all[rec.full] == rec {
		delete(r.all, rec.full)
	}
}

// ended notes that a znode is gone. If it is a record that is to exist, the keeper puts
// it back. One that was not announced yet may not have been there: see createRecord.
func (r *records) ended(full string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.all[full]; rec != nil && !rec.leaving {
		rec.removed = true
		if rec.data != nil {
			r.wakeKeeper()
		}
	}
}

// takeRemoved reports whether the znode was removed since the last call.
func (r *records) takeRemoved(rec *record) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	removed := rec.removed
	rec.removed = false
	return removed
}

func (r *records) list() []*record {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*record, 0, len(r.all))
	for _, rec := range r.all {
		list = append(list, rec)
	}
	return list
}

// take waits for the turn to write the record, so that an older write cannot come last. give
// ends the turn.
func (s *Store) take(ctx context.Context, rec *record) (give func(), err error) {
	return s.turns.take(ctx, rec.full)
}

// writeRecord makes the znode exist, owned by the session. The caller has the turn.
func (s *Store) writeRecord(ctx context.Context, session *zk.Session, rec *record, data []byte) error {
	if rec.session == session {
		reply, _ := s.share(ctx, session, zk.Multi{zk.Set{Path: rec.full, Data: data, Version: rec.version}}, nil)
		if reply.Err == nil {
			rec.version = reply.Results[0].Stat.Version
			return nil
		}
		rec.session = nil
		if !refused(reply.Err) {
			return reply.Err
		}
	}
	err := s.createRecord(ctx, session, rec, data)
	if refused(err) {
		err = s.createRecordAlone(ctx, session, rec, data)
	}
	return err
}

// createRecord creates the record and its entry in the roster, in one transaction with
// what is missing above them.
func (s *Store) createRecord(ctx context.Context, session *zk.Session, rec *record, data []byte) error {
	ops, err := s.entering(ctx, session, rec, data)
	if err != nil {
		return err
	}
	acl, err := s.acl(ctx)
	if err != nil {
		return err
	}
	ops = append(ops, zk.Create{Path: rec.full, Data: data, ACL: acl.wire(), Mode: zk.Ephemeral})
	before := rec.entered
	rec.entered = true // also if the answer is lost: whoever removes the record removes its entry
	reply, watch := s.share(ctx, session, ops, zk.SetWatches{Since: math.MaxInt64, Children: []string{rec.full}})
	if refused(reply.Err) {
		rec.entered = before
		s.records.takeRemoved(rec) // what was asked behind the transaction told that there is no record
	}
	if reply.Err != nil {
		return reply.Err
	}
	rec.session, rec.version, rec.conn = session, 0, 0
	if watch.Err == nil {
		rec.conn = watch.Conn
	} else {
		s.records.wakeKeeper()
	}
	return nil
}

// createRecordAlone does so a step at a time, and finds out what is in the way. After a
// lost answer a record that is there may be our own.
func (s *Store) createRecordAlone(ctx context.Context, session *zk.Session, rec *record, data []byte) (err error) {
	acl, err := s.acl(ctx)
	if err != nil {
		return err
	}
	for range maxAttempts {
		if err := s.enter(ctx, session, rec, data); err != nil {
			return err
		}
		before := rec.entered
		rec.entered = true // also if the answer is lost: whoever removes the record removes its entry
		_, err = session.Call(ctx, zk.Create{Path: rec.full, Data: data, ACL: acl.wire(), Mode: zk.Ephemeral})
		if refused(err) {
			rec.entered = before
		}
		switch {
		case err == nil:
			rec.session, rec.version = session, 0
			err = s.watchRecord(ctx, rec)
		case errors.Is(err, zk.ErrNodeExists):
			err = s.adoptRecord(ctx, session, rec, data)
		case errors.Is(err, zk.ErrNoNode): // the folder is missing, or somebody's Delete tidied it away
			if err = s.ensureContainer(ctx, session, rec.path, s.listeners(rec.path)); err == nil {
				continue
			}
		}
		if !errors.Is(err, zk.ErrNoNode) {
			return err
		}
	}
	return err
}

// adoptRecord writes a record that is there, if it is this session's.
func (s *Store) adoptRecord(ctx context.Context, session *zk.Session, rec *record, data []byte) error {
	found, err := session.Call(ctx, zk.Exists{Path: rec.full})
	if errors.Is(err, zk.ErrNoAuth) || err == nil && found.Stat.EphemeralOwner != session.ID() {
		return errTaken
	}
	if err != nil {
		return err
	}
	reply, err := session.Call(ctx, zk.Set{Path: rec.full, Data: data, Version: zk.AnyVersion})
	if err != nil {
		return err
	}
	rec.session, rec.version, rec.entered = session, reply.Stat.Version, true
	return s.watchRecord(ctx, rec)
}

// removeRecord removes the znode if it is this session's. The caller has the turn. The
// last one to leave a document that was deleted tidies up.
func (s *Store) removeRecord(ctx context.Context, rec *record) error {
	session, err := s.client.Session(ctx)
	if err != nil {
		return err
	}
	known := rec.session == session && rec.entered && rec.conn == s.conn.Load() && !s.records.takeRemoved(rec)
	rec.session = nil
	document := zk.Exists{Path: s.payload(rec.path)}
	var seen zk.Reply // of the document, once the record is gone
	if known {
		var reply zk.Reply
		reply, seen = s.share(ctx, session, zk.Multi{
			zk.Delete{Path: rec.full, Version: rec.version},
			zk.Delete{Path: rec.entry(), Version: zk.AnyVersion},
		}, document)
		err = reply.Err
	}
	if !known || refused(err) {
		if err = s.removeRecordAlone(ctx, session, rec); err == nil {
			seen, _ = session.Call(ctx, document) // the reply has the error
		}
	}
	if err != nil {
		return err
	}
	rec.entered = false
	s.records.gone(rec)
	if errors.Is(seen.Err, zk.ErrNoNode) {
		s.tidy(ctx, rec.path)
	}
	return nil
}

// removeRecordAlone looks whose the record is.
func (s *Store) removeRecordAlone(ctx context.Context, session *zk.Session, rec *record) error {
	found, err := session.Call(ctx, zk.Exists{Path: rec.full})
	if err == nil && found.Stat.EphemeralOwner == session.ID() {
		_, err = session.Call(ctx, zk.Delete{Path: rec.full, Version: found.Stat.Version})
	}
	if err == nil || errors.Is(err, zk.ErrNoNode) {
		err = s.leaveRoster(ctx, session, rec)
	}
	return err
}
