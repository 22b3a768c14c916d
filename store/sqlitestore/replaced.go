package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
)

// besideFile is a file that SQLite has made beside the database, and which is there for as long
// as this handle has a connection.
type besideFile struct {
	name string
	info atomic.Pointer[os.FileInfo] // nil: it was not seen yet
}

// checkFile refuses to go on when the file was removed or replaced, or what is beside it: this
// handle would keep talking to the old one, alone, and what it commits would be lost.
func (s *Store) checkFile() error {
	info, err := os.Stat(s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errRemoved
	case err != nil:
		return err
	case !os.SameFile(info, s.info):
		return errReplaced
	}
	for i := range s.logs {
		if err := s.logs[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (b *besideFile) check() error {
	info, err := os.Stat(b.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	seen := b.info.Load()
	switch {
	case seen == nil && err == nil:
		b.info.CompareAndSwap(nil, &info)
	case seen != nil && (err != nil || !os.SameFile(info, *seen)):
		return fmt.Errorf("%s: %w", b.name, errLogReplaced)
	}
	return nil
}

// forgetLogs is for when a connection is given up: with the last one SQLite removes what it has
// made.
func (s *Store) forgetLogs() {
	for i := range s.logs {
		s.logs[i].info.Store(nil)
	}
}
