//go:build unix

package sqlitestore

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// access is a right that a process may have.
type access uint32

const (
	toRead  access = unix.R_OK
	toWrite access = unix.R_OK | unix.W_OK
	toEnter access = unix.W_OK | unix.X_OK // of a directory, to make something in it
)

func (a access) String() string {
	if a == toRead {
		return "read"
	}
	return "read and write"
}

// may returns nil if this process has a right to what has the name.
func may(name string, use access) error {
	return unix.Faccessat(unix.AT_FDCWD, name, uint32(use), unix.AT_EACCESS)
}

// openDirectory opens a directory and no link to one, which somebody else may have put there.
func openDirectory(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
}

// ownerLike returns what to give to chown, and whether that changes anything. Only root gives
// files to another user.
func ownerLike(info, database fs.FileInfo) (user, group int, differ bool) {
	is, ok1 := info.Sys().(*syscall.Stat_t)
	want, ok2 := database.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 {
		return -1, -1, false
	}
	user = -1
	if os.Geteuid() == 0 {
		user = int(want.Uid)
	}
	return user, int(want.Gid), is.Gid != want.Gid || user >= 0 && is.Uid != want.Uid
}
