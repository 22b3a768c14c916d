package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/store"
)

// placeColumns are read without the body, of which octet_length needs the header only. That
// of the tag comes after them.
const placeColumns = "path, created, changed, counter, mtime, octet_length(body)"

// Stat implements [store.Store]. The file does not record when a document was created.
func (s *Store) Stat(ctx context.Context, path string, _ store.Consistency) (store.Place, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Place{}, err
	}
	places, err := s.places(ctx, "path = ?", path)
	if err == nil && len(places) == 0 {
		err = fmt.Errorf("document %w", store.ErrNotFound)
	}
	if err != nil {
		return store.Place{}, s.fail("stat", path, err)
	}
	return places[0], nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, folder string, _ store.Consistency) ([]store.Place, error) {
	if err := store.CheckFolder(folder); err != nil {
		return nil, err
	}
	prefix := store.Child(folder, "")
	// 0 is the character after /, so these are the paths that begin with prefix.
	found, err := s.places(ctx, "path > ? AND path < ?", prefix, strings.TrimSuffix(prefix, "/")+"0")
	if err != nil {
		return nil, s.fail("list", folder, err)
	}
	return directlyBelow(prefix, found), nil
}

// directlyBelow folds documents, ordered by path, into the places below a folder.
func directlyBelow(prefix string, documents []store.Place) []store.Place {
	places := make([]store.Place, 0, len(documents))
	at := make(map[string]int) // the index of each place
	for _, doc := range documents {
		if store.CheckPath(doc.Path) != nil { // written by another tool
			continue
		}
		name, _, deeper := strings.Cut(doc.Path[len(prefix):], "/")
		child := prefix + name
		i, seen := at[child]
		if !seen {
			i = len(places)
			at[child] = i
			places = append(places, store.Place{Path: child})
		}
		if deeper {
			places[i].Folder = true
		} else {
			doc.Folder = places[i].Folder
			places[i] = doc
		}
	}
	slices.SortFunc(places, func(a, b store.Place) int { return strings.Compare(a.Path, b.Path) }) // /a-b is before /a/b, and after /a
	return places
}

// places reads what is known of the documents that a condition selects, by path.
func (s *Store) places(ctx context.Context, condition string, args ...any) (places []store.Place, err error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	err = retry(ctx, func() error {
		places = nil
		column, err := s.tagColumn(ctx, s.readers)
		if err != nil {
			return err
		}
		return s.each(ctx, func(rows *sql.Rows) error {
			var place store.Place
			var created, changed, tag, mtime int64
			var counter int32
			err := rows.Scan(&place.Path, &created, &changed, &counter, &mtime, &place.Size, &tag)
			place.Version, place.Modified = store.NewVersion(created, changed, counter).WithTag(tag), time.Unix(0, mtime)
			places = append(places, place)
			return err
		}, "SELECT "+placeColumns+", "+column+" FROM documents WHERE "+condition+" ORDER BY path", args...)
	})
	if err != nil || len(places) == 0 {
		return nil, err
	}
	listeners, err := s.countListeners(ctx, condition, args)
	for i := range places {
		places[i].Listeners = listeners[places[i].Path]
	}
	return places, err
}

// countListeners counts the records of live handles, by path.
func (s *Store) countListeners(ctx context.Context, condition string, args []any) (counts map[string]int, err error) {
	living := make(map[string]bool)
	err = retry(ctx, func() error {
		counts = make(map[string]int)
		return s.each(ctx, func(rows *sql.Rows) error {
			var path, owner string
			if err := rows.Scan(&path, &owner); err != nil {
				return err
			}
			if _, asked := living[owner]; !asked {
				living[owner] = s.alive(owner)
			}
			if living[owner] {
				counts[path]++
			}
			return nil
		}, "SELECT path, session FROM listeners WHERE "+condition, args...)
	})
	return counts, err
}

// Ping implements [store.Store]: it reads from the file.
func (s *Store) Ping(ctx context.Context) (store.Pong, error) {
	pong := store.Pong{Server: s.file}
	if err := s.ping(ctx, &pong); err != nil {
		return store.Pong{}, s.fail("ping", "the documents", err)
	}
	return pong, nil
}

func (s *Store) ping(ctx context.Context, pong *store.Pong) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	sent := time.Now()
	var sequence int64
	err = retry(ctx, func() error {
		return s.readers.QueryRowContext(ctx, "SELECT sequence, 'SQLite ' || sqlite_version() FROM meta").Scan(&sequence, &pong.Version)
	})
	pong.Latency = time.Since(sent)
	return err
}
