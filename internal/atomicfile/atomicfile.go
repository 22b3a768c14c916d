// Package atomicfile replaces files as a whole.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrKind means that there is something else than a regular file at the name.
var ErrKind = errors.New("it is not a regular file")

// Check returns the name of the file that a write to name would replace, which is where
// symbolic links lead, and its information, nil if there is none yet. Errors match
// [ErrKind] if it is a directory, a pipe, a socket or a device, or are the system's, such as
// that of a symbolic link that leads nowhere.
func Check(name string) (string, fs.FileInfo, error) {
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return name, nil, nil
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", nil, err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", nil, err
	}
	if !info.Mode().IsRegular() {
		return "", nil, fmt.Errorf("%s: %w", name, ErrKind)
	}
	return target, info, nil
}

// Write replaces the file at name: whoever reads it, after a crash too, sees the old text
// or the new one, with the given permissions. It writes beside the file and renames, so the
// file belongs to this process's user from then on, and the directory must be writable. It
// blocks on the disk. If it fails, the old file stays, and nothing is left behind. Errors
// are those of [Check], and the system's.
func Write(name string, mode fs.FileMode, text []byte) error {
	target, _, err := Check(name)
	if err != nil {
		return err
	}
	if err := replace(target, mode, text); err != nil {
		return fmt.Errorf("write %s: %w", name, cause(err))
	}
	return nil
}

// cause leaves out which other file an error is about.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

func replace(target string, mode fs.FileMode, text []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	if err == nil {
		err = temp.Chmod(mode)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), target)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return err
	}
	syncDirectory(filepath.Dir(target))
	return nil
}

// syncDirectory makes a rename last. Where the system cannot do that the file is whole all
// the same.
func syncDirectory(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
