package zkstore

import (
	"context"
	"strings"
	"sync"

	"github.com/zkstate/zkstate/internal/zk"
)

// listenerFolders are the folders of records that somebody watches, by znode. One
// persistent recursive watch a folder tells all its watchers which records changed. The
// zero value is ready.
type listenerFolders struct {
	mu  sync.Mutex // guards all, and the watchers of each
	all map[string]*listenerFolder
}

// listenerFolder is one of them. The turn is held by who sets or removes its watch, so
// that a removal cannot follow the watch of somebody who came later.
type listenerFolder struct {
	full     string
	turn     chan struct{}
	watchers map[*listenerWatch]struct{}
}

// join makes w a watcher of a folder.
func (f *listenerFolders) join(w *listenerWatch, full string) *listenerFolder {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = make(map[string]*listenerFolder)
	}
	folder := f.all[full]
	if folder == nil {
		folder = &listenerFolder{full: full, turn: make(chan struct{}, 1), watchers: make(map[*listenerWatch]struct{})}
		f.all[full] = folder
	}
	folder.watchers[w] = struct{}{}
	return folder
}

// event tells the watchers of a record, or of a folder whose records came or went.
func (f *listenerFolders) event(kind zk.EventKind, full string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) == 0 {
		return
	}
	if kind == zk.NodeChildrenChanged {
		f.all[full].tell(func(w *listenerWatch) { w.lost = true })
	} else if i := strings.LastIndexByte(full, '/'); i > 0 {
		f.all[full[:i]].tell(func(w *listenerWatch) { w.moved[full[i+1:]] = struct{}{} })
	}
}

// reconnected tells all watchers that their watches are gone.
func (f *listenerFolders) reconnected() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, folder := range f.all {
		folder.tell(func(w *listenerWatch) { w.lost = true })
	}
}

// tell notes something for each watcher of a folder, which may be nil.
func (f *listenerFolder) tell(note func(*listenerWatch)) {
	if f == nil {
		return
	}
	for w := range f.watchers {
		w.mu.Lock()
		note(w)
		w.mu.Unlock()
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// documentOf is the path of the document that a folder of listeners, or a payload, belongs to.
func (s *Store) documentOf(full string) string {
	return strings.TrimPrefix(full[:strings.LastIndexByte(full, '/')], s.chroot)
}

// unwatchListeners removes a folder's watch if nobody needs it any more.
func (s *Store) unwatchListeners(folder *listenerFolder) {
	f := &s.listenerFolders
	folder.turn <- struct{}{}
	defer func() { <-folder.turn }()
	unused := func() bool { return len(folder.watchers) == 0 && f.all[folder.full] == folder }
	f.mu.Lock()
	remove := unused()
	f.mu.Unlock()
	if !remove {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, verifyBound)
	defer cancel()
	_, err := s.call(ctx, zk.RemoveWatches{Path: folder.full, Kind: zk.AnyWatches})
	if err != nil && !refused(err) && s.ctx.Err() == nil {
		s.logger.Info("zkstore: a watch of listeners stays until the connection ends", "path", s.documentOf(folder.full), "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if unused() {
		delete(f.all, folder.full)
	}
}
