package sqlitestore

import (
	"errors"
	"path/filepath"
	"runtime"
	"time"

	"github.com/fsnotify/fsnotify"
)

// blindPoll is the poll interval where the kernel gives no notices.
const blindPoll = 25 * time.Millisecond

// notices are the kernel's, of writes in the directory of the file.
type notices struct {
	watcher *fsnotify.Watcher // nil if there are none to be had
	events  <-chan fsnotify.Event
	errors  <-chan error
	log     string // the write-ahead log's name
}

// subscribe asks for notices. There may be none to be had: the kernel limits
// how many processes of a user listen.
func (s *Store) subscribe() notices {
	dir := filepath.Dir(s.file)
	w, err := s.watch.notify(dir)
	if err != nil {
		s.log.Info("no file notices, polling instead", "directory", dir, "every", blindPoll, "error", err)
		return notices{}
	}
	return notices{watcher: w, events: w.Events, errors: w.Errors, log: s.file + "-wal"}
}

func (n notices) close() {
	if n.watcher != nil {
		_ = n.watcher.Close()
	}
}

// notify subscribes to writes in dir. Where that works by kqueue it would open
// every file in dir, the database too, and take SQLite's locks away when it
// closes them: POSIX drops a process's locks on a file whenever the process
// closes any descriptor of it.
func notify(dir string) (*fsnotify.Watcher, error) {
	switch runtime.GOOS {
	case "linux", "android", "windows":
	default:
		return nil, errors.ErrUnsupported
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := w.Add(dir); err != nil {
		_ = w.Close()
		return nil, err
	}
	return w, nil
}
