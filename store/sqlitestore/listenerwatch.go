package sqlitestore

import (
	"context"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/internal/relist"
)

// WatchListeners implements [store.Store]. Every commit to the file may have changed the
// records; one query reads all of them.
func (s *Store) WatchListeners(path string) store.ListenerWatcher {
	hints, stop := s.watch.listeners.Channel(path)
	s.startFollowing()
	list := func(ctx context.Context) ([]store.Listener, error) { return s.Listeners(ctx, path) }
	return relist.New(list, hints, stop)
}

// awaitedOf is the path under which the table of listeners keeps which version of a document
// somebody waits for, in a row that goes with its writer's session.
func awaitedOf(path string) string { return path + "/listeners_awaited" }

const (
	awaitedID = "version"

	// awaitedOrder selects the order of that version, for the path of awaitedOf.
	awaitedOrder = "coalesce((SELECT CAST(body AS INTEGER) FROM listeners WHERE path = ? AND id = '" + awaitedID + "'), 0)"
)

// await notes within a transaction that somebody waits for what it commits.
func (s *Store) await(ctx context.Context, t *tx, path string, sequence int64) error {
	own, err := s.ownSession(ctx, t)
	if err != nil {
		return err
	}
	return t.exec("INSERT OR REPLACE INTO listeners (path, id, session, body) VALUES (?, ?, ?, ?)", awaitedOf(path), awaitedID, own, sequence)
}
