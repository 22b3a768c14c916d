package memstore

import "github.com/zkstate/zkstate/store"

var _ store.Measured = (*Store)(nil)

// Stats implements [store.Measured]. A memory has no connections, sends nothing and needs
// no rounds.
func (s *Store) Stats() store.Stats {
	return store.Stats{Status: s.Status(), Followed: s.hints.Len()}
}
