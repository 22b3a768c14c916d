package zkstore

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/zkstate/zkstate/internal/zk"
)

// records are this store's listener records. A record is an ephemeral znode: it dies
// with the session, and a new session has to put it back.
type records struct {
	wake chan struct{} // level-triggered: look after the records

	mu  sync.Mutex // guards all
	all map[string]*record
}

// record is one listener record that is to exist, or to go.
type record struct {
	full  string        // the znode
	path  string        // of the document
	entry string        // the znode in its roster
	turn  chan struct{} // held by who writes the znode, so that an older write cannot come last

	data    []byte // guarded by records.mu; nil: nothing was announced yet
	leaving bool   // guarded by records.mu: withdrawn, but not known to be gone
	removed bool   // guarded by records.mu: somebody removed the znode

	// What the znode is known to be, guarded by turn. A commit with a receipt is
	// fenced by it: after a loss of the session, or another's write, it fails.
	session *zk.Session // whose it is, nil if that is not known
	version int32
	entered bool   // there is an entry in the roster
	conn    uint64 // the connection that tells of its end
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
		found = &record{full: full, path: path, entry: s.entryOf(path, id), turn: make(chan struct{}, 1)}
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

// standing returns what the record is to hold, nil if nothing.
func (r *records) standing(rec *record) []byte {
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
// it back.
func (r *records) ended(full string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.all[full]; rec != nil && rec.data != nil {
		rec.removed = true
		r.wakeKeeper()
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

// take waits for the turn to write the record.
func (rec *record) take(ctx context.Context) error {
	select {
	case rec.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (rec *record) give() { <-rec.turn }

// writeRecord makes the znode exist, owned by the session. The caller has the turn.
func (s *Store) writeRecord(ctx context.Context, session *zk.Session, rec *record, data []byte) error {
	for attempt := 0; ; attempt++ {
		err := s.writeRecordOnce(ctx, session, rec, data)
		if !errors.Is(err, zk.ErrNoNode) || attempt == 3 {
			return err
		}
		// The folder is missing, or somebody's Delete tidied it away.
		if err := s.ensure(ctx, rec.full[:strings.LastIndexByte(rec.full, '/')]); err != nil {
			return err
		}
	}
}

// writeRecordOnce sets the znode if it is known to be this session's, and else creates
// it. After a lost answer the znode that is in the way may be our own.
func (s *Store) writeRecordOnce(ctx context.Context, session *zk.Session, rec *record, data []byte) error {
	if rec.session == session {
		reply, err := session.Call(ctx, zk.Set{Path: rec.full, Data: data, Version: rec.version})
		if err == nil {
			rec.version = reply.Stat.Version
			return nil
		}
		rec.session = nil
		if !refused(err) {
			return err
		}
	}
	err := s.createRecord(ctx, session, rec, data)
	if err == nil {
		rec.session, rec.version, rec.entered = session, 0, true
		return s.watchRecord(ctx, rec)
	}
	if !errors.Is(err, zk.ErrNodeExists) {
		return err
	}
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

// removeRecord removes the znode if it is this session's. The caller has the turn.
func (s *Store) removeRecord(ctx context.Context, rec *record) error {
	session, err := s.client.Session(ctx)
	if err != nil {
		return err
	}
	rec.session = nil
	found, err := session.Call(ctx, zk.Exists{Path: rec.full})
	if err == nil && found.Stat.EphemeralOwner == session.ID() {
		_, err = session.Call(ctx, zk.Delete{Path: rec.full, Version: found.Stat.Version})
	}
	if err == nil || errors.Is(err, zk.ErrNoNode) {
		err = s.leaveRoster(ctx, session, rec)
	}
	if err == nil {
		rec.entered = false
		s.records.gone(rec)
	}
	return err
}
