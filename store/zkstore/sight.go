package zkstore

import (
	"strings"
	"sync"
)

// sights remembers what the last looks at a followed document's znodes showed, its
// payload and its journal's folder, for as long as no event has come: the watches
// would have told. That is as good as another look, and saves a commit the round
// trips of asking whether the document is still the same one, and whether its journal
// is on. It is only trusted for that: a watch that was lost costs what a look before a
// commit gives, not a commit.
type sights struct {
	mu    sync.Mutex // guards all below
	seen  map[string]node
	moves map[string]uint64 // events so far
}

// begin is called before a look; keep wants what it returns.
func (s *sights) begin(full string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moves[full]
}

// keep notes what a look showed that set a watch, unless an event came meanwhile.
func (s *sights) keep(full string, since uint64, found node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves[full] != since {
		return
	}
	if s.seen == nil {
		s.seen, s.moves = make(map[string]node), make(map[string]uint64)
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
		s.seen, s.moves = make(map[string]node), make(map[string]uint64)
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
