package zkstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// listenerWatch is what WatchListeners returns.
type listenerWatch struct {
	store  *Store
	path   string
	folder *listenerFolder
	stop   func()
	wake   chan struct{} // has a token if moved or lost was set

	mu    sync.Mutex // guards all below
	moved map[string]struct{}
	lost  bool // the watch went with its connection, or the children have to be listed again

	// Used by Next only.
	read    map[string]bool // what is there: whether Next has told of it
	unread  int
	conn    uint64    // of the watch; 0 before the first
	oneShot bool      // the server has no persistent watches
	due     time.Time // when the unread are to be read or, if there are none, all to be listed again
}

const (
	// unreadPause is how long records that no event told of wait to be read, for each record
	// that is there, while they are more than fit in one request: most change meanwhile.
	unreadPause = 200 * time.Microsecond
	// listAgain is the silence after which the watch is taken for lost.
	listAgain = 5 * time.Second
	// recordBatch is how many records are read in one request.
	recordBatch = 200
)

// WatchListeners implements [store.Store].
func (s *Store) WatchListeners(path string) store.ListenerWatcher {
	w := &listenerWatch{
		store: s, path: path, wake: make(chan struct{}, 1),
		moved: make(map[string]struct{}), lost: true, read: make(map[string]bool),
	}
	w.stop = sync.OnceFunc(w.release)
	w.folder = s.listenerFolders.join(w, s.listeners(path))
	return w
}

// Stop implements [store.ListenerWatcher].
func (w *listenerWatch) Stop() { w.stop() }

func (w *listenerWatch) release() {
	f := &w.store.listenerFolders
	f.mu.Lock()
	delete(w.folder.watchers, w)
	f.mu.Unlock()
	w.store.goOn(func() { w.store.unwatchListeners(w.folder) })
}

// Next implements [store.ListenerWatcher]. What an event told of is read first. The others,
// while they are many, wait a little: most of them are about to change.
func (w *listenerWatch) Next(ctx context.Context) (news store.ListenerNews, err error) {
	for len(news.Changed)+len(news.Gone) == 0 && err == nil {
		moved, lost := w.take()
		switch {
		case lost:
			news.Gone, err = w.list(ctx)
			if err == nil && w.unread == 0 {
				return news, nil // whoever asks wants to know that there is nobody
			}
		case len(moved) > 0:
			err = w.fetch(ctx, moved, &news)
		case w.unread > 0 && (w.unread <= recordBatch || time.Until(w.due) <= 0):
			err = w.fetch(ctx, w.unreadIDs(), &news)
		default:
			err = w.await(ctx)
		}
	}
	news.Unread = w.unread
	switch {
	case len(news.Changed)+len(news.Gone) > 0: // if there is an error, the next call meets it
		w.expect()
	case err != nil:
		return news, w.store.translate("follow the listeners of", w.path, err, false)
	}
	return news, nil
}

// expect says when the watch is to be taken for lost, unless there are records to be read.
func (w *listenerWatch) expect() {
	if w.unread == 0 {
		w.due = time.Now().Add(listAgain)
	}
}

// take returns what events told since the last call.
func (w *listenerWatch) take() (moved []string, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost {
		w.lost = false
		return nil, true
	}
	for id := range w.moved {
		if moved = append(moved, id); len(moved) == recordBatch {
			break
		}
	}
	for _, id := range moved {
		delete(w.moved, id)
	}
	return moved, false
}

// putBack is for what could not be read.
func (w *listenerWatch) putBack(moved []string, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = w.lost || lost
	for _, id := range moved {
		w.moved[id] = struct{}{}
	}
}

// await waits for an event, or until something is due. If nothing was heard for long, the
// watch may have been lost.
func (w *listenerWatch) await(ctx context.Context) error {
	timer := time.NewTimer(time.Until(w.due))
	defer timer.Stop()
	select {
	case <-w.wake:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.store.ctx.Done():
		return zk.ErrClosed
	case <-timer.C:
		if w.unread == 0 {
			w.conn = 0
			w.putBack(nil, true)
		}
	}
	return nil
}

// list sets the watch, unless it is there, and then lists the children behind a barrier.
// What it has not seen on this connection is to be read.
func (w *listenerWatch) list(ctx context.Context) (gone []string, err error) {
	defer func() {
		if err != nil {
			w.conn = 0
			w.putBack(nil, true)
		}
	}()
	conn := w.conn
	if conn == 0 || conn != w.store.conn.Load() {
		if conn, err = w.watch(ctx); err != nil {
			return nil, err
		}
	}
	_, replies, err := w.store.ordered(ctx, w.path, zk.Children{Path: w.folder.full, Watch: w.oneShot})
	if err == nil {
		err = replies[0].Err
	}
	var ids []string
	switch {
	case err == nil:
		ids = replies[0].Children
	case !errors.Is(err, zk.ErrNoNode):
		return nil, err
	}
	if replies[0].Conn != conn { // the watch went with its connection
		w.putBack(nil, true)
	}
	if conn != w.conn {
		for id := range w.read {
			w.read[id] = false
		}
	}
	w.conn = conn
	gone = w.merge(ids)
	w.due = time.Now()
	if !w.oneShot { // else what is not read is not watched
		w.due = w.due.Add(unreadPause * time.Duration(len(ids)))
	}
	w.expect()
	return gone, nil
}

// merge notes which records are there, and returns the ids of those that went.
func (w *listenerWatch) merge(ids []string) (gone []string) {
	there := make(map[string]bool, len(ids))
	w.unread = 0
	for _, id := range ids {
		if there[id] = w.read[id]; !there[id] {
			w.unread++
		}
	}
	for id := range w.read {
		if _, ok := there[id]; !ok {
			gone = append(gone, id)
		}
	}
	w.read = there
	return gone
}

// watch sets the watch, and returns on which connection. A server that has no persistent
// ones gets one-shot watches with each look.
func (w *listenerWatch) watch(ctx context.Context) (conn uint64, err error) {
	select {
	case w.folder.turn <- struct{}{}:
		defer func() { <-w.folder.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	reply, err := w.store.call(ctx, zk.AddWatch{Path: w.folder.full, Mode: zk.PersistentRecursiveWatch})
	w.oneShot = errors.Is(err, zk.ErrUnimplemented)
	if w.oneShot {
		return reply.Conn, nil
	}
	return reply.Conn, err
}
