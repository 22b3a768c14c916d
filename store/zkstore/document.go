package zkstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

func versionOf(stat zk.Stat) store.Version {
	return store.NewVersion(stat.Czxid, stat.Mzxid, stat.Version).WithTag(stat.Mtime)
}

// awaitedOf is [store.Record]'s Awaited: the last transaction that added or removed a child
// of the payload. A commit with [store.Await] does both, and nothing else does.
func awaitedOf(stat zk.Stat) int64 {
	if stat.Pzxid == stat.Czxid { // none has
		return 0
	}
	return stat.Pzxid
}

// Load implements [store.Store]. Each look sets a watch if somebody follows the
// document, on the payload's absence too.
func (s *Store) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Record{}, err
	}
	l, err := s.look(ctx, path, known, mode)
	switch {
	case errors.Is(err, zk.ErrTooLarge):
		rec := store.Record{AsOf: l.asOf, Version: l.version, Time: time.UnixMilli(l.stat.Mtime)}
		return rec, s.translate("load", path, err, false)
	case err != nil:
		return store.Record{}, s.translate("load", path, err, false)
	case l.version.IsZero():
		return store.Record{AsOf: l.asOf}, fmt.Errorf("load %s: document %w", path, store.ErrNotFound)
	}
	rec := store.Record{AsOf: l.asOf, Version: l.version, Data: l.data, Time: time.UnixMilli(l.stat.Mtime), Awaited: awaitedOf(l.stat)}
	return rec, nil
}

// look looks at a payload. A linearizable look begins when the handle's records are there.
func (s *Store) look(ctx context.Context, path string, known store.Version, mode store.Consistency) (*look, error) {
	for {
		missing, losses := s.records.missing()
		if mode != store.Local && missing != nil {
			select {
			case <-missing:
				continue
			case <-ctx.Done():
				return &look{}, ctx.Err()
			}
		}
		l := &look{store: s, full: s.payload(path), known: known, creating: mode == store.Creating}
		err := l.ask(ctx, path, mode)
		if err == nil {
			err = l.fetch(ctx)
		}
		if _, now := s.records.missing(); err != nil || mode == store.Local || now == losses {
			return l, err
		}
	}
}

// look is one look at a payload.
type look struct {
	store     *Store
	full      string
	known     store.Version
	creating  bool // absence need not be watched
	session   *zk.Session
	fetchNext bool  // the next request is Get, after Exists
	done      bool  // what follows is what the look showed
	asOf      int64 // the last transaction that the server had applied
	version   store.Version
	stat      zk.Stat
	data      []byte
}

// ask sends the first request. It only asks for the version if that is likely to be the
// one that is known.
func (l *look) ask(ctx context.Context, path string, mode store.Consistency) (err error) {
	m := l.store.watched.begin(l.full)
	var request zk.Request = zk.Get{Path: l.full, Watch: m.followed()}
	if !l.known.IsZero() && !l.store.watched.likelyMoved(l.full, l.known) {
		request = zk.Exists{Path: l.full, Watch: m.followed()}
	}
	var replies []zk.Reply
	if mode != store.Local {
		l.session, replies, err = l.store.ordered(ctx, path, request)
	} else if l.session, err = l.store.client.Session(ctx); err == nil {
		replies, err = l.session.Do(ctx, request)
	}
	if len(replies) == 0 {
		return err
	}
	return l.take(request, replies[0], m)
}

// fetch asks on until there is an answer, in the same session, so that it is never older
// than the first one.
func (l *look) fetch(ctx context.Context) error {
	for !l.done {
		m := l.store.watched.begin(l.full)
		var request zk.Request = zk.Exists{Path: l.full, Watch: m.followed()}
		if l.fetchNext {
			request = zk.Get{Path: l.full, Watch: m.followed()}
		}
		reply, _ := l.session.Call(ctx, request) // the reply has the error
		if err := l.take(request, reply, m); err != nil {
			return err
		}
	}
	return nil
}

// take notes an answer. Get sets no watch where there is no node, so only Exists has a
// say about that.
func (l *look) take(request zk.Request, reply zk.Reply, m mark) error {
	l.asOf = reply.Zxid
	_, exists := request.(zk.Exists)
	l.fetchNext = exists
	switch {
	case errors.Is(reply.Err, zk.ErrNoNode):
		l.done = exists || !m.followed() || l.creating
		l.version = store.Version{}
	case errors.Is(reply.Err, zk.ErrTooLarge) && !exists && l.version.IsZero():
		return nil // which version it is, Exists says
	case reply.Err != nil:
		return reply.Err
	default:
		l.version, l.stat = versionOf(reply.Stat), reply.Stat
		l.done = !exists || l.version == l.known
		if !exists && l.version != l.known {
			l.data = append([]byte{}, reply.Data...)
		}
		if !l.done && reply.Stat.DataLength > maxReply {
			return &zk.SizeError{What: "document", Size: int(reply.Stat.DataLength), Limit: maxReply}
		}
	}
	conn := reply.Conn
	if !exists && reply.Err != nil {
		conn = 0
	}
	l.store.saw(m, l.version, conn)
	return nil
}

// maxReply is the longest answer that the client reads.
const maxReply = zk.DefaultMaxReply
