package document

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
)

// ErrVersion means that a text is no version, or can be each of several, which
// ErrSeveral means too.
var (
	ErrVersion = errors.New("it tells no version")
	ErrSeveral = errors.New("it can be each of several versions")
)

// versionError matches [ErrVersion], and says only what is wrong.
type versionError struct {
	text    string
	several bool
}

func (e versionError) Error() string { return e.text }

func (e versionError) Is(target error) bool {
	return target == ErrVersion || e.several && target == ErrSeveral
}

// ParseVersion reads a version as a user gives it: in full, or only the number before
// its first dot. Then version is zero. The error matches [ErrVersion].
func ParseVersion(text string) (version store.Version, counter int32, err error) {
	if version, err := store.ParseVersion(text); err == nil && !version.IsZero() {
		return version, version.Counter(), nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return version, 0, versionError{text: fmt.Sprintf("%q is no version: it must be like 3.100000007.100000002.19ab5c7d3e0, or the number before the first dot", text)}
	}
	return version, int32(n), nil
}

// Present returns the version that a text stands for, where the number before its first dot
// stands for the document's present version or for none. The error matches [ErrVersion], or
// [store.ErrConflict].
func Present(ctx context.Context, s store.Store, path, text string) (store.Version, error) {
	version, counter, err := ParseVersion(text)
	if err != nil || !version.IsZero() {
		return version, err
	}
	rec, err := Load(ctx, s, path, store.Version{}, store.Linearizable)
	if err != nil {
		return version, err
	}
	if rec.Version.Counter() != counter {
		return version, fmt.Errorf("%s is at version %v, not at %d: %w: read again and retry", path, rec.Version, counter, store.ErrConflict)
	}
	return rec.Version, nil
}

// History reads the newest entries of a document's journal, oldest first.
func History(ctx context.Context, s store.Store, path string, newest int) (entries []zkstate.Entry, err error) {
	err = Persist(ctx, func() error {
		entries, err = history.Read(ctx, s, path, newest)
		return err
	})
	return entries, err
}

// At finds a version in the history, of which it reads the entries next to that version. The
// number before its first dot may stand for it; the whole history then tells which one it is.
// Errors match [ErrVersion] or [ErrSeveral], or are those of [history.At].
func At(ctx context.Context, s store.Store, path, version string) (entry zkstate.Entry, err error) {
	wanted, counter, err := ParseVersion(version)
	if err == nil && wanted.IsZero() {
		wanted, err = numbered(ctx, s, path, counter)
	}
	if err != nil {
		return entry, err
	}
	err = Persist(ctx, func() error {
		entry, err = history.At(ctx, s, path, wanted)
		return err
	})
	return entry, err
}

// numbered returns the one version in the history that has that number.
func numbered(ctx context.Context, s store.Store, path string, counter int32) (version store.Version, err error) {
	entries, err := History(ctx, s, path, math.MaxInt)
	if err != nil {
		return version, err
	}
	var found []string
	for _, e := range entries { // the version of one that is unreadable is not known
		if e.Version.Counter() == counter && !e.Deleted && !e.Version.IsZero() {
			found = append(found, e.Version.String())
			version = e.Version
		}
	}
	switch len(found) {
	case 0:
		return version, fmt.Errorf("%s: version %d: %w", path, counter, history.ErrNotKept)
	case 1:
		return version, nil
	}
	return version, versionError{fmt.Sprintf("version %d can be each of %s: give it in full", counter, strings.Join(found, ", ")), true}
}
