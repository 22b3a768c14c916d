package zkstore

import (
	"context"
	"errors"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

var errReplaced = errors.New("it was deleted and made again")

// newCreation is a write that makes payloads.
func newCreation(ctx context.Context, session *zk.Session, ops zk.Multi, made []string) *sharedWrite {
	w := newSharedWrite(ctx, session, ops, zk.Exists{Path: made[0]})
	w.made = made
	return w
}

// sawMade finds out when the payloads of a transaction were made, and has changes of those told that somebody follows.
func (s *Store) sawMade(ctx context.Context, together writesTogether, reply zk.Reply) {
	var made []string
	var seen zk.Reply // of the first
	for _, w := range together {
		if made = append(made, w.made...); w.made != nil {
			seen = w.after // the same for all
		}
	}
	if made == nil {
		return
	}
	session := together[0].session
	at, err := timeOf(ctx, session, reply.Zxid, made, seen)
	for _, w := range together {
		w.madeAt, w.unknown = at, err
	}
	if err == nil {
		s.watchMade(session, reply.Conn, store.NewVersion(reply.Zxid, reply.Zxid, 0).WithTag(at), made)
	}
}

// timeOf returns the time of the transaction that made payloads, by one that is still there. seen is what a look at
// the first showed.
func timeOf(ctx context.Context, session *zk.Session, zxid int64, made []string, seen zk.Reply) (int64, error) {
	for {
		if seen.Err == nil && seen.Stat.Czxid == zxid {
			return seen.Stat.Ctime, nil
		}
		if made = made[1:]; len(made) == 0 {
			break
		}
		seen, _ = session.Call(ctx, zk.Exists{Path: made[0]}) // the reply has the error
	}
	if seen.Err != nil {
		return 0, seen.Err
	}
	return 0, errReplaced
}

// watchMade watches payloads that were made on a connection, those that somebody follows, in one request. A change since
// then is told at once. It does not wait for that: until it is answered, the versions are not confirmed.
func (s *Store) watchMade(session *zk.Session, conn uint64, version store.Version, made []string) {
	var marks []mark
	watches := zk.SetWatches{Since: version.Order()}
	for _, full := range made {
		if m := s.watched.begin(full); m.followed() {
			marks, watches.Data = append(marks, m), append(watches.Data, full)
		}
	}
	if len(marks) == 0 {
		return
	}
	s.goOn(func() {
		if _, err := session.Call(s.ctx, watches); err != nil {
			return // on a new connection the verifier looks at all, else their watchers do
		}
		for _, m := range marks {
			s.watched.unchanged(m, version, conn)
		}
	})
}
