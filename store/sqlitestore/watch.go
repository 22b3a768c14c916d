package sqlitestore

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/zkstate/zkstate/store/internal/hints"
)

// ladderStep is the first pause after a notice; it doubles.
const ladderStep = 250 * time.Microsecond

// watcher knows what is watched, and how far each document has been hinted.
type watcher struct {
	hub   hints.Hub
	start sync.Once
	wake  chan struct{}

	notify func(dir string) (*fsnotify.Watcher, error) // replaced by tests

	mu    sync.Mutex // guards paths
	paths map[string]*watched
}

// watched is a document that somebody watches. Its mark is the sequence number
// of the last change that was hinted: of the document, or of the last deletion
// anywhere where there is no document. Both only grow, the second because any
// later creation has a higher number. Mark 0 is older than all.
type watched struct {
	watchers int
	mark     int64
}

func (w *watcher) init() {
	w.wake = make(chan struct{}, 1)
	w.paths = make(map[string]*watched)
	w.notify = notify
}

// Watch implements [store.Store]. Changes of this handle are hinted at once.
// Those of others are noticed by their writes to the log, within milliseconds,
// or by [Config.PollInterval] where notices fail.
func (s *Store) Watch(path string) (<-chan struct{}, func()) {
	ch, stop := s.watch.add(path)
	s.watch.start.Do(func() {
		if s.register() == nil {
			go s.follow()
		}
	})
	select {
	case s.watch.wake <- struct{}{}:
	default:
	}
	return ch, stop
}

func (w *watcher) add(path string) (<-chan struct{}, func()) {
	ch, stop := w.hub.Watch(path)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.paths[path]
	if p == nil {
		p = &watched{}
		w.paths[path] = p
	}
	p.watchers++
	return ch, sync.OnceFunc(func() {
		stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		if p.watchers--; p.watchers == 0 {
			delete(w.paths, path)
		}
	})
}

// hint signals a document's watchers if it moved since they were last hinted.
func (w *watcher) hint(path string, mark int64) {
	if w.advance(path, mark) {
		w.hub.Signal(path)
	}
}

func (w *watcher) advance(path string, mark int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.paths[path]
	if p == nil || p.mark >= mark {
		return false
	}
	p.mark = mark
	return true
}

func (w *watcher) list() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	paths := make([]string, 0, len(w.paths))
	for path := range w.paths {
		paths = append(paths, path)
	}
	return paths
}

// follow looks for others' commits until the Store is closed: after every
// notice at once and then at doubling intervals, because the log is written a
// moment before the commit becomes visible (an fsync lies in between), up to
// the poll interval, at which it goes on.
func (s *Store) follow() {
	defer s.calls.Done()
	notices := s.subscribe()
	defer notices.close()
	poll := &poller{store: s}
	defer poll.close()
	limit := s.poll
	if notices.watcher == nil {
		limit = min(limit, blindPoll)
	}
	pause := time.Duration(0)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.closing.Done():
			return
		case <-s.watch.wake:
			pause = 0
		case event, ok := <-notices.events:
			if !ok {
				notices.events, limit = nil, min(limit, blindPoll)
				continue
			}
			if event.Name != notices.log {
				continue
			}
			pause = 0
		case err, ok := <-notices.errors: // an overflow, say: something was missed
			if !ok {
				notices.errors = nil
				continue
			}
			s.log.Warn("file notices", "file", s.file, "error", err)
			pause = 0
		case <-timer.C:
		}
		if s.watch.hub.Any() {
			poll.look(s.closing)
		}
		s.sweep(s.closing)
		pause = min(max(2*pause, ladderStep), limit)
		timer.Reset(pause)
	}
}

// poller asks the database whether anybody else committed.
type poller struct {
	store   *Store
	conn    *sql.Conn // nil until needed, and after a failure
	version int64     // data_version, which only compares on one connection
}

// look hints every watched document that moved since it was last hinted.
func (p *poller) look(ctx context.Context) {
	if p.conn == nil {
		conn, err := p.store.poller.Conn(ctx)
		if err != nil {
			p.failed(ctx, err)
			return
		}
		p.conn, p.version = conn, -1
	}
	t := &tx{conn: p.conn, ctx: context.WithoutCancel(ctx)}
	var version int64
	if err := t.scan("PRAGMA data_version", nil, &version); err != nil {
		p.failed(ctx, err)
		return
	}
	if version == p.version {
		return
	}
	for _, path := range p.store.watch.list() {
		mark, err := t.mark(path)
		if err != nil {
			p.failed(ctx, err)
			return
		}
		p.store.watch.hint(path, mark)
	}
	p.version = version // only now: what failed above is looked for again
}

// mark is one statement, so that both its parts are of one state. That of a queue is
// the place at its head.
func (t *tx) mark(path string) (mark int64, err error) {
	if document, ok := strings.CutPrefix(path, queuePrefix); ok {
		err = t.scan("SELECT coalesce(min(place), 0) FROM writers WHERE path = ?", []any{document}, &mark)
		return mark, err
	}
	err = t.scan(`SELECT coalesce((SELECT changed FROM documents WHERE path = ?), (SELECT deleted FROM meta))`,
		[]any{path}, &mark)
	return mark, err
}

func (p *poller) failed(ctx context.Context, err error) {
	if isBusy(err) || ctx.Err() != nil {
		return
	}
	p.store.log.Warn("look for changes", "file", p.store.file, "error", err)
	p.close()
}

func (p *poller) close() {
	if p.conn != nil {
		(&tx{conn: p.conn}).discard()
		_ = p.conn.Close()
		p.conn = nil
	}
}
