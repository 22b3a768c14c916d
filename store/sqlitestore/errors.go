package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/zkstate/zkstate/store"
)

// Errors that need no more than the file's name to be understood. What each
// matches is in sentinelOf.
var (
	errReplaced    = errors.New("the file was replaced while it was open; open it again")
	errRemoved     = errors.New("the file was removed while it was open; put it back, or open it again for a new one")
	errLogReplaced = errors.New("it was removed or replaced while the file was open; end all programs that use the file, which write back what they have committed, and start them again")
	errDirectory   = errors.New("it is a directory; name a file")
	errSpecial     = errors.New("it is not a regular file")
	errName        = errors.New("this cannot be a file's name")
	errAbsent      = errors.New("the file does not exist")
	errEmpty       = errors.New("the file is empty: nobody has created the database yet")
	errMalformed   = errors.New("the file is malformed, as when an old copy was put in its place and its -wal file was left: end all programs that use it, restore it from a backup and remove the -wal and -shm files beside it")
	errNoDatabase  = errors.New("name another file, or restore this one from a backup")
	errFull        = errors.New("make room on the disk")
	errNoWAL       = errors.New("the file system does not support SQLite's write-ahead log; use a local one")
)

// sentinels are the errors that callers look for.
var sentinels = []error{
	store.ErrInvalidPath, store.ErrInvalidID, store.ErrTooLarge,
	store.ErrNotFound, store.ErrExists, store.ErrConflict, store.ErrTaken, store.ErrLocked, store.ErrLockLost, store.ErrJournal,
	store.ErrDenied, store.ErrDamaged, store.ErrUnavailable, store.ErrUnknownOutcome, store.ErrClosed,
}

// fail makes the error that a method returns. It says what was tried on which
// path in which file, and matches a sentinel; the driver's texts name tables
// and codes, never values.
func (s *Store) fail(verb, path string, err error) error {
	s.noteFailure(err)
	if s.closing.Err() != nil && !isVerdict(err) {
		err = store.ErrClosed
	}
	return fmt.Errorf("%s %s in %s: %w", verb, path, s.file, classify(s.file, err))
}

func openError(file string, err error) error {
	return fmt.Errorf("open %s: %w", file, classify(file, err))
}

// classify puts a sentinel in front of an error that matches none, and what is to be done.
func classify(file string, err error) error {
	if slices.ContainsFunc(sentinels, func(s error) bool { return errors.Is(err, s) }) {
		return err
	}
	switch {
	case errors.Is(err, errAbsent), errors.Is(err, errEmpty):
		return fmt.Errorf("%w: %w", store.ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w: %s", store.ErrDenied, err, remedy(err, "give "+thisUser()+" the right to it, or name another file"))
	}
	sentinel, advice := sqliteCause(file, sqliteCode(err))
	if advice == nil {
		return fmt.Errorf("%w: %w", sentinel, err)
	}
	return fmt.Errorf("%w: %w: %w", sentinel, err, advice)
}

// sqliteCause says what an error of SQLite comes of, and what is to be done; nil: nobody knows.
func sqliteCause(file string, code int) (sentinel, advice error) {
	switch code & 0xff {
	case sqlite3.SQLITE_CORRUPT:
		return store.ErrDamaged, errMalformed
	case sqlite3.SQLITE_NOTADB:
		return store.ErrDamaged, errNoDatabase
	case sqlite3.SQLITE_FULL:
		return store.ErrUnavailable, errFull
	case sqlite3.SQLITE_IOERR:
		if code == sqlite3.SQLITE_IOERR_SHORT_READ { // the log is shorter than its index says
			return store.ErrUnavailable, fmt.Errorf("%s-wal: %w", file, errLogReplaced)
		}
	case sqlite3.SQLITE_CANTOPEN:
		if denied := denial(file, toRead); denied != nil {
			return store.ErrDenied, denied
		}
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY:
		if code != sqlite3.SQLITE_READONLY_DBMOVED {
			return store.ErrDenied, denial(file, toWrite)
		}
	}
	return store.ErrUnavailable, nil
}

// isVerdict reports whether err says something about the documents, which stays
// true although the Store was closed meanwhile.
func isVerdict(err error) bool {
	return errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrExists) ||
		errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrUnknownOutcome)
}

// sqliteCode returns SQLite's extended result code, 0 if err has none.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// isBusy reports whether another connection is in the way, so that trying again
// helps.
func isBusy(err error) bool {
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// isDamage reports whether the connection that met err should not be used again.
func isDamage(err error) bool {
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERNAL, sqlite3.SQLITE_MISUSE:
		return true
	}
	return false
}

// neverApplied reports whether a COMMIT that ended with err left nothing that a
// recovery after a crash could take for a commit. A failed write does: the
// frame that marks the commit is the last one written, and its checksum covers
// those before it. A failed fsync does not: the frames are complete.
func neverApplied(err error) bool {
	code := sqliteCode(err)
	return isBusy(err) || code&0xff == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_IOERR_WRITE
}
