package sqlitestore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

const lockSuffix = ".lock"

// sessionName is what newSession makes: its first eight digits are the process id, the
// others are random. Anything else in the table names no file.
var sessionName = regexp.MustCompile(`^[0-9a-f]{32}$`)

// sessionPID returns the process id in the name of a session, 0 if there is none.
func sessionPID(id string) int {
	if !sessionName.MatchString(id) {
		return 0
	}
	pid, _ := strconv.ParseUint(id[:8], 16, 31) // digits only; what is too large is no process
	return int(pid)
}

// session is a handle's proof of life: a lock file of a unique name, exclusively
// locked from before the first record appears until the handle or its process
// ends. Who wants to know tries a shared lock, so that those who ask never take
// each other for the owner. A file whose lock can be had belongs to nobody any
// more, and nobody will ever use its name again.
type session struct {
	id   string
	file string
	lock *flock.Flock
}

// sessionHolder is set at the first announcement, by who holds the writer's
// connection, and read by everybody.
type sessionHolder struct {
	atomic.Pointer[session]
	swept atomic.Int64 // when the dead were last looked for, in Unix nanoseconds
	calls atomic.Int64 // the number of the newest call for a place in a queue
}

// nextCall numbers a call for a place by its time, in Unix nanoseconds, and never gives
// a number twice.
func (h *sessionHolder) nextCall() int64 {
	for {
		last := h.calls.Load()
		if next := max(time.Now().UnixNano(), last+1); h.calls.CompareAndSwap(last, next) {
			return next
		}
	}
}

// newSession makes and locks a lock file in dir, for whoever may use the database. Between
// the two somebody may ask for the lock, or find a new one dead and remove it; hence the
// second look.
func newSession(ctx context.Context, dir string, database fs.FileInfo) (*session, error) {
	if err := shareSessions(dir, database); err != nil {
		return nil, err
	}
	for {
		var raw [16]byte
		rand.Read(raw[4:])
		binary.BigEndian.PutUint32(raw[:4], uint32(os.Getpid()))
		s := &session{id: hex.EncodeToString(raw[:])}
		s.file = filepath.Join(dir, s.id+lockSuffix)
		if err := makeShared(s.file, database); err != nil {
			return nil, err
		}
		s.lock = flock.New(s.file, flock.SetFlag(os.O_RDWR))
		_, err := s.lock.TryLockContext(ctx, time.Millisecond)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			_ = os.Remove(s.file)
			return nil, err
		}
		if s.inPlace() {
			return s, nil
		}
		_ = s.lock.Unlock()
	}
}

// inPlace reports whether the lock file is still found under its name.
func (s *session) inPlace() bool {
	locked, err := s.lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(s.file)
	return err == nil && os.SameFile(locked, named)
}

// release ends the session: its records count no more.
func (s *session) release() {
	removed := os.Remove(s.file)
	_ = s.lock.Unlock()
	if removed != nil { // Windows removes no open file
		_ = os.Remove(s.file)
	}
}

// alive reports whether a session's owner lives. Where that cannot be found out,
// as with a lock file of another user, it is taken to live.
func alive(dir, id string) bool { return !withDead(dir, id, func(string) {}) }

// removeSession removes the lock file of a session if it is dead, while holding the lock.
func removeSession(dir, id string) { withDead(dir, id, func(file string) { _ = os.Remove(file) }) }

// withDead reports whether the session is dead, and calls f with its lock file
// if there is one. It creates nothing.
func withDead(dir, id string, f func(file string)) bool {
	if !sessionName.MatchString(id) {
		return true
	}
	file := filepath.Join(dir, id+lockSuffix)
	lock := flock.New(file, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil || !free {
		return false
	}
	f(file)
	_ = lock.Unlock()
	return true
}

// lockFiles returns the sessions that have a lock file in dir.
func lockFiles(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil { // nobody has announced anything yet
		return nil
	}
	var ids []string
	for _, entry := range entries {
		if id, ok := strings.CutSuffix(entry.Name(), lockSuffix); ok && sessionName.MatchString(id) {
			ids = append(ids, id)
		}
	}
	return ids
}
