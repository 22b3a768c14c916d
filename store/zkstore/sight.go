package zkstore

import (
	"strings"
	"sync"
	"time"

	"github.com/zkstate/zkstate/store"
)

// sights remembers what the last looks at a followed document's znodes showed, its
// payload and its journal's folder, for as long as no event has come: the watches
// would have told. That is as good as another look, and saves a commit the round
// trips of asking whether the document is still the same one, and whether its journal
// is on. It is only trusted for that: a watch that was lost costs what a look before a
// commit gives, not a commit.
//
// A payload that was seen within the last millisecond, whether or not a watch was set,
// need not be looked at again either: another look would be about as old when the
// commit arrives.
type sights struct {
	mu    sync.Mutex // guards all below
	seen  map[string]node
	moves map[string]uint64 // events so far
	lost  uint64            // connections, and all their watches with them
	stale map[string]bool   // an event came after the last look
	last  glimpse
}

// glimpse is the last that was seen of any payload.
type glimpse struct {
	full    string
	version store.Version
	at      time.Time
}

// freshFor is about a round trip.
const freshFor = time.Millisecond

// glimpsed notes a version that was just seen, or made.
func (s *sights) glimpsed(full string, version store.Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = glimpse{full, version, time.Now()}
	delete(s.stale, full)
}

// likelyMoved reports whether a payload is likely to have another version than known,
// so that it is better to fetch it than to ask.
func (s *sights) likelyMoved(full string, known store.Version) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stale[full] && !(s.last.full == full && s.last.version == known)
}

// fresh reports whether a payload is known to have that version, or had it just now.
func (s *sights) fresh(full string, version store.Version) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.full == full && time.Since(s.last.at) < freshFor {
		return s.last.version == version
	}
	found := s.seen[full]
	return found.stat != nil && found.version() == version
}

// begin is called before a look; keep wants what it returns.
func (s *sights) begin(full string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moves[full] + s.lost // both only grow
}

// keep notes what a look showed that set a watch, unless an event came meanwhile.
func (s *sights) keep(full string, since uint64, found node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves[full]+s.lost != since {
		return
	}
	if s.seen == nil {
		s.seen, s.moves, s.stale = make(map[string]node), make(map[string]uint64), make(map[string]bool)
	}
	s.seen[full] = found
}

// at returns what a znode is known to be now, if it is.
func (s *sights) at(full string) (found node, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, known = s.seen[full]
	return found, known
}

func (s *sights) moved(full string) {
	if !strings.HasSuffix(full, "/payload") && !strings.HasSuffix(full, "/history") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves == nil {
		s.seen, s.moves, s.stale = make(map[string]node), make(map[string]uint64), make(map[string]bool)
	}
	delete(s.seen, full)
	s.moves[full]++
	s.stale[full] = true
}

// clear forgets everything: a new connection has no watches.
func (s *sights) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.seen)
	s.lost++
}
