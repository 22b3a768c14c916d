package sqlitestore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// creating serializes the creation of files in this process. Closing the
// descriptor that created a file would drop the locks of another handle of this
// process that opened it in between.
var creating sync.Mutex

// prepareFile finds or creates the file and returns its real name, by which all
// handles find the same lock files.
func prepareFile(file string, mustExist bool) (string, os.FileInfo, error) {
	if file == "" || strings.ContainsRune(file, 0) {
		return "", nil, errName
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return "", nil, err
	}
	creating.Lock()
	defer creating.Unlock()
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if mustExist {
			return "", nil, errAbsent
		}
		if err := createFile(file); err != nil {
			return "", nil, err
		}
	}
	resolved, err := filepath.EvalSymlinks(file)
	if err != nil {
		return "", nil, err
	}
	info, err := os.Stat(resolved)
	switch {
	case err != nil:
		return "", nil, err
	case info.IsDir():
		return "", nil, errDirectory
	case !info.Mode().IsRegular():
		return "", nil, errSpecial
	}
	return resolved, info, nil
}

func createFile(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
