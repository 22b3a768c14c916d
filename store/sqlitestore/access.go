package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// SQLite gives what it makes beside a database the database's permissions, whatever the umask.
// This package does the same for the directory of the lock files and for what is in it, and
// hands all of it to the database's group: a process makes files of its own group, unless the
// directory has the set-group-ID bit, and others of the database's group are denied then.

// shareSessions makes the directory of the lock files if it is absent. Who may read the
// database may ask who lives.
func shareSessions(dir string, database fs.FileInfo) error {
	mode := database.Mode().Perm()
	mode |= mode & 0o444 >> 2
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := openDirectory(dir)
	if err != nil { // of another user, who has made it as it should be, or of another kind
		return nil
	}
	defer f.Close()
	share(f, mode, database)
	return nil
}

// makeShared makes an empty file that was not there.
func makeShared(file string, database fs.FileInfo) error {
	mode := database.Mode().Perm()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
	if err != nil {
		return err
	}
	share(f, mode, database)
	return f.Close()
}

// share gives a file or a directory its permissions, and the database's group, as far as this
// process may.
func share(f *os.File, mode fs.FileMode, database fs.FileInfo) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	if user, group, differ := ownerLike(info, database); differ {
		_ = f.Chown(user, group)
	}
	if info.Mode().Perm() != mode {
		_ = f.Chmod(mode | info.Mode()&fs.ModeSetgid)
	}
}

// shareLogs hands what SQLite has made beside the database to the database's group. It does
// not open them, see the package's comment.
func (s *Store) shareLogs() {
	for _, name := range logsOf(s.file) {
		info, err := os.Lstat(name)
		if err != nil {
			continue
		}
		if user, group, differ := ownerLike(info, s.info); differ {
			_ = os.Lchown(name, user, group)
		}
	}
}

// logsOf returns the names of what SQLite keeps beside a database while it is in use.
func logsOf(file string) [2]string { return [2]string{file + "-wal", file + "-shm"} }

// denial says which part of a database this process may not use, nil if there is none: SQLite
// only says that it could not open something.
func denial(file string, use access) error {
	if err := may(file, use); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s may not %s %s (%w): %s", thisUser(), use, file, err, remedy(err, "give it that right, or run as somebody who has it"))
	}
	for _, name := range logsOf(file) {
		err := may(name, use)
		switch {
		case err == nil:
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s may not %s %s (%w): %s", thisUser(), use, name, err,
				remedy(err, "give it the permissions and the group of "+file+", or end all programs that use the file and remove none of them"))
		default:
			dir := filepath.Dir(file)
			if err := may(dir, toEnter); err != nil {
				return fmt.Errorf("%s may not write to the directory %s (%w), where SQLite has to make %s: %s",
					thisUser(), dir, err, filepath.Base(name), remedy(err, "give it that right, or run as somebody who has it"))
			}
		}
	}
	return nil
}

// remedy is what is to be done about err: no right helps where the file system is read-only.
func remedy(err error, otherwise string) string {
	if errors.Is(err, syscall.EROFS) {
		return "make the file system writable, or name a file on another one"
	}
	return otherwise
}

func thisUser() string { return fmt.Sprintf("user %d", os.Geteuid()) }
