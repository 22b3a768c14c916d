package zkstore

import (
	"strings"
	"sync"

	"github.com/go-zookeeper/zk"
)

// sights remembers what the last look at a followed payload showed, for as long as
// no event has come: its watch would have told. That is as good as another look,
// and saves a commit the round trip of asking whether the document is still the
// same one. It is only trusted for that: a watch that was lost costs the safety
// that a look before a commit gives, not a commit.
type sights struct {
	mu    sync.Mutex // guards all below
	seen  map[string]*zk.Stat
	moves map[string]uint64 // events so far, of payloads only
}

// begin is called before a look; keep wants what it returns.
func (s *sights) begin(full string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moves[full]
}

// keep notes what a look showed that set a watch, unless an event came meanwhile.
func (s *sights) keep(full string, since uint64, stat *zk.Stat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves[full] != since {
		return
	}
	if s.seen == nil {
		s.seen, s.moves = make(map[string]*zk.Stat), make(map[string]uint64)
	}
	s.seen[full] = stat
}

// at returns what a followed payload is known to be now, nil if it is not known.
func (s *sights) at(full string) *zk.Stat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[full]
}

func (s *sights) moved(full string) {
	if !strings.HasSuffix(full, "/payload") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves == nil {
		s.seen, s.moves = make(map[string]*zk.Stat), make(map[string]uint64)
	}
	delete(s.seen, full)
	s.moves[full]++
}

// clear forgets everything: a new connection has no watches.
func (s *sights) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for full := range s.seen {
		delete(s.seen, full)
		s.moves[full]++
	}
}
