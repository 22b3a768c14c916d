package sqlitestore

import (
	"errors"
	"runtime"
	"time"

	"github.com/fsnotify/fsnotify"
)

// blindPoll is the poll interval where the kernel gives no notices.
const blindPoll = 25 * time.Millisecond

// notices are the kernel's, of writes to the write-ahead log. It is there for as long as
// this handle has a connection, and what is written beside it wakes nobody.
type notices struct {
	watcher *fsnotify.Watcher     // nil if there are none to be had
	events  <-chan fsnotify.Event // nil if none come any more
	errors  <-chan error
	log     string // the write-ahead log's name
}

// subscribe asks for notices. There may be none to be had: the kernel limits
// how many processes of a user listen.
func (s *Store) subscribe() notices {
	log := s.file + "-wal"
	w, err := s.watch.notify(log)
	if err != nil {
		s.log.Info("sqlitestore: no file notices, polling instead", "file", s.file, "duration", blindPoll, "error", err)
		return notices{}
	}
	return notices{watcher: w, events: w.Events, errors: w.Errors, log: log}
}

// limit is the longest pause between two looks.
func (n notices) limit(poll time.Duration) time.Duration {
	if n.events == nil {
		return min(poll, blindPoll)
	}
	return poll
}

func (n notices) close() {
	if n.watcher != nil {
		_ = n.watcher.Close()
	}
}

// notify subscribes to writes to a file. Where that works by kqueue it would open the
// file, and take SQLite's locks away when it closes it: POSIX drops a process's locks on a
// file whenever the process closes any descriptor of it.
func notify(file string) (*fsnotify.Watcher, error) {
	switch runtime.GOOS {
	case "linux", "android", "windows":
	default:
		return nil, errors.ErrUnsupported
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := w.Add(file); err != nil {
		_ = w.Close()
		return nil, err
	}
	return w, nil
}
