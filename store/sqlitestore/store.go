// Package sqlitestore keeps documents in an SQLite file, which any number of
// processes on one machine share.
//
// Besides the file and SQLite's own -wal and -shm next to it, there is a
// directory <file>.sessions with one lock file per handle that announced
// listeners. All of it has the file's permissions and group. The kernel releases the
// lock when the process dies, however it dies, and the handle's records are gone
// from that moment.
//
// The file must be on a local file system: SQLite's write-ahead log works
// through shared memory, and the locks are the kernel's. A program that uses
// this package must not open and close the file by other means (to copy it,
// say): POSIX drops all locks a process holds on a file when it closes any
// descriptor of it. Other processes may, and any SQLite tool may read and edit
// the table documents; triggers give such an edit its version.
package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/internal/guardedlog"
	"github.com/zkstate/zkstate/store"
)

var _ store.Store = (*Store)(nil)

// Close's bound of 2 s, divided among its steps.
const (
	closeCalls = 800 * time.Millisecond // for calls under way to end
	closeRows  = 500 * time.Millisecond // for the write lock
	closeFiles = 600 * time.Millisecond // for SQLite to let go of the file
)

const defaultPoll = 250 * time.Millisecond

// Config adjusts a Store. The zero Config is ready for use.
type Config struct {
	// Logger hears about what the Store could work around. Nil is silent.
	Logger *slog.Logger

	// PollInterval is how often watched documents are looked at when no
	// notice arrives; notices come within milliseconds as a rule. 0 is 250 ms.
	PollInterval time.Duration

	// MustExist makes Open fail with [store.ErrNotFound] where it would
	// otherwise create the file. Handles that only look use it.
	MustExist bool
}

// Store is one handle on an SQLite file. Handles in one process or in several
// are equal; each has its own listeners. All methods may be called concurrently.
//
// The context of a call governs waiting: for the write lock, for a connection.
// It does not interrupt a transaction that has begun; those are short.
type Store struct {
	file string        // absolute, without symbolic links
	info os.FileInfo   // of file, to notice that it was replaced
	logs [2]besideFile // what SQLite has made beside it, likewise
	log  *slog.Logger
	poll time.Duration

	writer  *sql.DB // one connection: writers in this process queue for it
	readers *sql.DB
	poller  *sql.DB // one connection: data_version compares on one connection only

	watch   follower
	tagged  atomic.Bool // the tables hold tags, as far as is known; see tagSchema
	session sessionHolder
	records records
	leaving sync.Map // recordKey -> nil: the listener records that are being withdrawn

	counters counters

	closing   context.Context // ends when Close begins
	close     context.CancelFunc
	closeOnce sync.Once

	mu     sync.Mutex // guards closed, and calls.Add against calls.Wait
	closed bool
	calls  sync.WaitGroup // calls and goroutines under way
}

// Open returns a handle on the database in file, and creates it (mode 0600)
// with its parent directories (0700) if it is absent, unless
// [Config.MustExist] is set. All that is made beside the file has the file's
// permissions, whatever the umask, and its group, if this process is in that. A file that is there but is not a database, a
// database of another application, or of a newer format than this package
// knows, is refused before anything is written to it.
//
// Open waits for other processes' locks until ctx ends; ctx governs opening
// only. Errors: [store.ErrNotFound], [store.ErrDenied], [store.ErrUnavailable].
func Open(ctx context.Context, file string, cfg Config) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, openError(file, err)
	}
	resolved, info, err := prepareFile(file, cfg.MustExist)
	if err != nil {
		return nil, openError(file, err)
	}
	s := &Store{file: resolved, info: info, log: guardedlog.Of(cfg.Logger), poll: cfg.PollInterval}
	for i, name := range logsOf(resolved) {
		s.logs[i].name = name
	}
	if s.poll <= 0 {
		s.poll = defaultPoll
	}
	s.closing, s.close = context.WithCancel(context.Background())
	s.watch.init()
	if err := s.openPools(); err != nil {
		return nil, openError(file, err)
	}
	if err := s.prepareSchema(ctx, cfg.MustExist); err != nil {
		s.close()
		return nil, openError(file, errors.Join(err, s.closePools()))
	}
	s.shareLogs()
	if err := s.checkFile(); err != nil {
		s.close()
		return nil, openError(file, errors.Join(err, s.closePools()))
	}
	return s, nil
}

// Status implements [store.Store]. Connected means that the file is still the one
// that was opened. The session is the name of the lock file, made by the first
// announcement.
func (s *Store) Status() store.Status {
	status := store.Status{Connected: s.closing.Err() == nil && s.checkFile() == nil}
	if session := s.session.Load(); session != nil {
		status.Session = session.id
	}
	return status
}

// Close implements [store.Store]. It returns within 2 s even if another process
// holds the database locked, or the disk hangs; in the latter case SQLite may
// keep the file open for longer. Documents are never at risk.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.close()
		s.watch.listeners.SignalAll() // they find the handle closed
		within(closeCalls, s.calls.Wait)
		s.endSession()
		within(closeFiles, func() {
			if err := s.closePools(); err != nil {
				s.log.Warn("sqlitestore: closing failed", "file", s.file, "error", err)
			}
		})
	})
	return nil
}

// begin registers a call. It returns a context that ends with ctx and with the
// Store; done must be called at the end.
func (s *Store) begin(ctx context.Context) (_ context.Context, done func(), _ error) {
	if err := s.register(); err != nil {
		return nil, nil, err
	}
	s.counters.calls.Add(1)
	if err := s.checkFile(); err != nil {
		s.calls.Done()
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(s.closing, cancel)
	return ctx, func() {
		release()
		cancel()
		s.calls.Done()
	}, nil
}

func (s *Store) register() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

// within waits for f, at most for limit.
func within(limit time.Duration, f func()) {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		f()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-finished:
	case <-timer.C:
	}
}
