package zkstore

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// The handle forgets listeners of its documents that were lost for good, so that their
// entries in the rosters do not pile up where nobody waits. Nothing but tidiness depends
// on it: who waits sees for himself. It looks at one document at a time, and asks its own
// server only.
const (
	lostTick   = time.Second      // between two documents, whatever their number is
	lostRound  = time.Minute      // between two looks at one document, at least
	lostShare  = 3                // how many of a document's listeners look in a round, on the average
	lostMost   = 100              // lost listeners that are known of at a time
	lostBound  = 5 * time.Second  // for the answers
	lostUnsaid = 10 * time.Minute // how long one may serve what it has whose entry does not say
)

// lostListeners are those that were seen to be lost. It is used by one goroutine.
type lostListeners struct {
	store *Store
	round []*record // that are still to be looked at
	next  time.Time // when the next round begins
	lost  []lostListener
}

// lostListener has an entry in the roster of a document, and no record.
type lostListener struct {
	path     string
	listener store.Listener
	until    time.Time // it cannot serve anything old after that
}

func newLostListeners(s *Store) *lostListeners {
	l := &lostListeners{store: s}
	l.schedule(time.Now())
	return l
}

// forgetLost runs until the store is closed. It has a goroutine of its own, because servers that
// do not answer must not hold back records that are to be restored.
func (s *Store) forgetLost() {
	lost := newLostListeners(s)
	tick := time.NewTicker(lostTick)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			lost.forgetOne(now)
		case <-s.ctx.Done():
			return
		}
	}
}

// schedule says when the next round begins: a little earlier or later than that of others.
func (l *lostListeners) schedule(now time.Time) {
	l.next = now.Add(lostRound*3/4 + rand.N(lostRound/2))
}

// forgetOne does what is due: it looks at one document, and forgets one listener.
func (l *lostListeners) forgetOne(now time.Time) {
	s := l.store
	if len(l.round) == 0 && !now.Before(l.next) {
		l.round = s.records.list()
		l.schedule(now)
	}
	ctx, cancel := context.WithTimeout(s.ctx, lostBound)
	defer cancel()
	if last := len(l.round) - 1; last >= 0 {
		rec := l.round[last]
		l.round[last], l.round = nil, l.round[:last]
		l.find(ctx, rec.path, now)
	}
	for i, lost := range l.lost {
		if now.After(lost.until) {
			l.lost = slices.Delete(l.lost, i, i+1)
			_ = s.Forget(ctx, lost.path, lost.listener) // another round finds it again
			return
		}
	}
}

// find notes who is lost of a document, if it falls to this handle.
func (l *lostListeners) find(ctx context.Context, path string, now time.Time) {
	s := l.store
	session, err := s.client.Session(ctx)
	if err != nil {
		return
	}
	there, err := session.Call(ctx, zk.Exists{Path: s.roster(path)})
	if err != nil || rand.N(max(there.Stat.NumChildren, 1)) >= lostShare {
		return
	}
	replies, err := session.Do(ctx, zk.Children{Path: s.roster(path)}, zk.Children{Path: s.listeners(path)})
	if err != nil {
		return
	}
	present := make(map[string]bool)
	for _, id := range replies[1].Children {
		present[id] = true
	}
	for _, id := range replies[0].Children {
		if present[id] || len(l.lost) == lostMost || l.knows(path, id) {
			continue
		}
		entry, err := session.Call(ctx, zk.Get{Path: s.entryOf(path, id)})
		if err == nil {
			found := store.Listener{ID: id, Returns: int64(entry.Stat.Version)}
			l.lost = append(l.lost, lostListener{path, found, now.Add(servesFor(entry.Data))})
		}
	}
}

func (l *lostListeners) knows(path, id string) bool {
	return slices.ContainsFunc(l.lost, func(lost lostListener) bool { return lost.path == path && lost.listener.ID == id })
}

// servesFor is how long a listener may serve what it has after it was lost.
func servesFor(entry []byte) time.Duration {
	var says struct {
		MaxStaleness time.Duration `json:"max_staleness_ns"`
	}
	if json.Unmarshal(entry, &says) != nil || says.MaxStaleness <= 0 {
		return lostUnsaid
	}
	return says.MaxStaleness
}
