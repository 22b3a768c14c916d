//go:build !unix

package sqlitestore

import (
	"errors"
	"io/fs"
	"os"
)

// Where permissions are not those of Unix, they are inherited from the directory.

// access is a right that a process may have.
type access string

const (
	toRead  access = "read"
	toWrite access = "read and write"
	toEnter access = "enter"
)

func may(string, access) error { return nil }

func openDirectory(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func ownerLike(_, _ fs.FileInfo) (user, group int, differ bool) { return -1, -1, false }
