package sqlitestore

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/internal/hints"
)

// ladderStep is the first pause after a notice; it doubles.
const ladderStep = 250 * time.Microsecond

// follower knows what is followed, how far each document has been hinted, and what it was
// when the handle looked last.
type follower struct {
	hub       hints.Hub
	listeners hints.Hub // of those who watch a document's listeners; each commit is a hint
	start     sync.Once
	wake      chan struct{}
	proof     atomic.Pointer[time.Time] // when the newest look began that showed all that is followed

	notify func(file string) (*fsnotify.Watcher, error) // replaced by tests

	mu     sync.Mutex // guards all below
	paths  map[string]*watched
	fresh  map[string]struct{} // the documents of them that no look has shown yet
	queues map[string]struct{}
}

// watched is a document, or a queue, that somebody follows. Its mark is the version that was
// hinted last, or, where there is no document, has the sequence number of the last deletion
// anywhere. Both only grow, the second because any later creation has a higher number. That
// of a queue has its head. The zero mark is older than all.
type watched struct {
	shown atomic.Pointer[store.Version] // by the last look; nil before the first

	// Guarded by the follower's mu.
	watchers int
	mark     store.Version
}

// markOf is the mark of what is no document.
func markOf(number int64) store.Version { return store.NewVersion(0, number, 0) }

func (w *follower) init() {
	w.wake = make(chan struct{}, 1)
	w.paths, w.fresh, w.queues = make(map[string]*watched), make(map[string]struct{}), make(map[string]struct{})
	w.notify = notify
}

// watcher is what Watch returns.
type watcher struct {
	follower *follower
	document *watched
	stop     func()
}

// Watch implements [store.Store]. Changes of this handle are hinted at once. Those of
// others are noticed by their writes to the log, within milliseconds, or by
// [Config.PollInterval] where notices fail. The handle looks whether there are any as
// often as that, and so confirms more often than anybody wants.
func (s *Store) Watch(path string, _ time.Duration, hint func()) store.Watcher {
	w := &watcher{follower: &s.watch}
	w.document, w.stop = s.watch.add(path, hint)
	s.startFollowing()
	return w
}

// Confirmed implements [store.Watcher]. The proof is loaded before what was shown, because
// a look notes first what it shows and then the proof.
func (w *watcher) Confirmed(v store.Version) time.Time {
	proof := w.follower.proof.Load()
	shown := w.document.shown.Load()
	if proof == nil || shown == nil || *shown != v {
		return time.Time{}
	}
	return *proof
}

// Stop implements [store.Watcher].
func (w *watcher) Stop() { w.stop() }

// startFollowing has follow look at once.
func (s *Store) startFollowing() {
	s.watch.start.Do(func() {
		if s.register() == nil {
			go s.follow()
		}
	})
	select {
	case s.watch.wake <- struct{}{}:
	default:
	}
}

// add follows a document, or a queue.
func (w *follower) add(path string, hint func()) (*watched, func()) {
	stop := w.hub.Watch(path, hint)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.paths[path]
	if p == nil {
		p = &watched{}
		w.paths[path] = p
		if isQueue(path) {
			w.queues[path] = struct{}{}
		} else {
			w.fresh[path] = struct{}{}
		}
	}
	p.watchers++
	return p, sync.OnceFunc(func() {
		stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		if p.watchers--; p.watchers == 0 {
			delete(w.paths, path)
			delete(w.fresh, path)
			delete(w.queues, path)
		}
	})
}

// hint signals a document's watchers if it moved since they were last hinted.
func (w *follower) hint(path string, mark store.Version) {
	if w.advance(path, mark) {
		w.hub.Signal(path)
	}
}

func (w *follower) advance(path string, mark store.Version) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.paths[path]
	if p == nil || !p.mark.Before(mark) {
		return false
	}
	p.mark = mark
	return true
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
	pause := time.Duration(0)
	var looked time.Time
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
				notices.events = nil
				continue
			}
			if event.Has(fsnotify.Remove|fsnotify.Rename) && notices.watcher.Add(notices.log) != nil {
				notices.events = nil
			}
			pause = 0
			if time.Since(looked) < ladderStep { // one transaction is many writes
				timer.Reset(ladderStep)
				continue
			}
		case err, ok := <-notices.errors: // an overflow, say: something was missed
			if !ok {
				notices.errors = nil
				continue
			}
			s.log.Warn("sqlitestore: file notices were missed, looking at once", "file", s.file, "error", err)
			pause = 0
		case <-timer.C:
		}
		if s.watch.hub.Any() || s.watch.listeners.Any() || s.records.len() > 0 {
			poll.look(s.closing)
			poll.putBack(s.closing)
		}
		looked = time.Now()
		s.sweep(s.closing)
		pause = min(max(2*pause, ladderStep), notices.limit(s.poll))
		timer.Reset(pause)
	}
}
