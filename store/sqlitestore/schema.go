package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/zkstate/zkstate/store"
	_ "modernc.org/sqlite" // the driver
)

const (
	applicationID = 0x7a6b7374 // "zkst"
	formatVersion = 2
)

// The sequence is taken from meta inside the write transaction, so its order is
// the commit order, and a deleted document's numbers are never given again.
// meta.deleted is the number of the last deletion of any document: what a
// watcher sees of a document that is not there. The columns of documents that
// versions are made of come before body, which may fill many pages.
const schema = `
CREATE TABLE meta (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	sequence INTEGER NOT NULL,
	deleted  INTEGER NOT NULL
);
INSERT INTO meta VALUES (1, 0, 0);

CREATE TABLE documents (
	path    TEXT PRIMARY KEY NOT NULL,
	created INTEGER NOT NULL DEFAULT 0,
	changed INTEGER NOT NULL DEFAULT 0,
	counter INTEGER NOT NULL DEFAULT 0,
	tag     INTEGER NOT NULL DEFAULT 0, -- random, of each write
	mtime   INTEGER NOT NULL DEFAULT 0, -- nanoseconds since 1970
	body    BLOB NOT NULL
);

-- Below the path of a document, /listeners_awaited has one row: see await.
CREATE TABLE listeners (
	path    TEXT NOT NULL,
	id      TEXT NOT NULL,
	session TEXT NOT NULL,
	body    BLOB NOT NULL,
	PRIMARY KEY (path, id)
) WITHOUT ROWID;

-- The queues of exclusive writers. The lowest place of a path whose session lives
-- holds the lock. A session numbers its calls for one by their time.
CREATE TABLE writers (
	place   INTEGER PRIMARY KEY AUTOINCREMENT,
	path    TEXT NOT NULL,
	id      TEXT NOT NULL,
	session TEXT NOT NULL,
	call    INTEGER NOT NULL,
	UNIQUE (session, call)
);
CREATE INDEX writers_of ON writers (path, place);

-- The journals that are on, and their entries.
CREATE TABLE journals (
	path TEXT PRIMARY KEY NOT NULL,
	keep INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE history (
	sequence INTEGER PRIMARY KEY AUTOINCREMENT,
	path     TEXT NOT NULL,
	changed  INTEGER NOT NULL,
	tag      INTEGER NOT NULL DEFAULT 0, -- of the document
	mtime    INTEGER NOT NULL, -- nanoseconds since 1970
	body     BLOB NOT NULL
);
CREATE INDEX history_of ON history (path, sequence);

CREATE TRIGGER document_deleted AFTER DELETE ON documents BEGIN
	UPDATE meta SET sequence = sequence + 1, deleted = sequence + 1;
END;

-- The next two are for other tools, which write a body and nothing else.
CREATE TRIGGER document_inserted AFTER INSERT ON documents WHEN new.changed = 0 BEGIN
	UPDATE meta SET sequence = sequence + 1;
	UPDATE documents SET counter = 0,
		created = (SELECT sequence FROM meta), changed = (SELECT sequence FROM meta),
		mtime = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000000
	WHERE path = new.path;
END;
CREATE TRIGGER document_edited AFTER UPDATE OF body ON documents WHEN new.changed = old.changed BEGIN
	UPDATE meta SET sequence = sequence + 1;
	UPDATE documents SET counter = min(counter + 1, 2147483647),
		changed = (SELECT sequence FROM meta),
		mtime = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000000
	WHERE path = new.path;
END;
` + tagSchema + followSchema + rosterSchema

// followSchema is for those who follow: what changed since they looked last.
const followSchema = `
CREATE INDEX IF NOT EXISTS documents_changed ON documents (changed);
`

// openPools makes the pools; connections come later.
//
// synchronous=FULL writes each commit through to the disk before it is
// acknowledged. NORMAL would be enough for a killed process, whose writes the
// kernel has; FULL is for a machine that loses power. See durability.
func (s *Store) openPools() error {
	for _, p := range []struct {
		pool   **sql.DB
		size   int
		pragma string
	}{
		{&s.writer, 1, "synchronous(FULL)"},
		{&s.readers, 4, "query_only(1)"},
		{&s.poller, 1, "query_only(1)"},
	} {
		db, err := sql.Open("sqlite", dataSource(s.file, p.pragma))
		if err != nil {
			return err
		}
		db.SetMaxOpenConns(p.size)
		db.SetMaxIdleConns(p.size)
		*p.pool = db
	}
	return nil
}

func (s *Store) closePools() error {
	return errors.Join(s.poller.Close(), s.readers.Close(), s.writer.Close())
}

// dataSource makes the URI of a file, in which ?, #, % and spaces are escaped.
func dataSource(file, pragma string) string {
	slashed := filepath.ToSlash(file)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/…
	}
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: "_pragma=" + url.QueryEscape(pragma)}).String()
}

// prepareSchema looks what is in the file, and makes the tables if that is
// nothing at all.
func (s *Store) prepareSchema(ctx context.Context, mustExist bool) error {
	conn, err := s.connect(ctx, s.writer)
	if err != nil {
		return err
	}
	defer conn.Close()
	t := &tx{conn: conn, ctx: context.WithoutCancel(ctx)}
	var ready bool
	err = retry(ctx, func() error {
		return t.run(ctx, "BEGIN", func() error {
			if ready, err = t.probe(); err == nil && ready {
				err = t.checkIntegrity()
			}
			return err
		})
	})
	switch {
	case err != nil:
		return err
	case mustExist && ready:
		return nil
	case mustExist:
		return errEmpty
	}
	if err := retry(ctx, t.useWAL); err != nil || ready {
		return err
	}
	return t.run(ctx, "BEGIN IMMEDIATE", func() error {
		if ready, err := t.probe(); err != nil || ready { // another process was faster
			return err
		}
		return t.exec(schema + fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;",
			applicationID, formatVersion))
	})
}

// probe reports whether the file holds a database of ours, false if it is
// empty, and an error if it holds anything else. It must run in a transaction:
// between two looks somebody may have created it.
func (t *tx) probe() (bool, error) {
	var application, format, objects int
	if err := t.scan("PRAGMA application_id", nil, &application); err != nil {
		return false, err
	}
	if err := t.scan("PRAGMA user_version", nil, &format); err != nil {
		return false, err
	}
	if err := t.scan("SELECT count(*) FROM sqlite_master", nil, &objects); err != nil {
		return false, err
	}
	switch {
	case application == 0 && format == 0 && objects == 0:
		return false, nil
	case application != applicationID:
		return false, fmt.Errorf("%w: the file is the database of another application (application id %#x)",
			store.ErrUnavailable, application)
	case format != formatVersion:
		return false, fmt.Errorf("%w: the file has format %d, this program knows %d; use the program that made it",
			store.ErrUnavailable, format, formatVersion)
	}
	return true, nil
}

// quickCheckPages is how large a file may be for it to be checked as a whole when it is
// opened, in pages of 4 KB. That takes a few milliseconds.
const quickCheckPages = 1000

// checkIntegrity finds out at once whether the file is malformed, which would show here
// and there later on. Of a large file only the small tables are checked.
func (t *tx) checkIntegrity() error {
	var pages int
	if err := t.scan("PRAGMA page_count", nil, &pages); err != nil {
		return err
	}
	checks := []string{"PRAGMA quick_check(1)"}
	if pages > quickCheckPages {
		checks = nil
		for _, table := range []string{"meta", "listeners", "writers", "journals"} {
			checks = append(checks, "PRAGMA quick_check("+table+")")
		}
	}
	for _, check := range checks {
		var found string
		if err := t.scan(check, nil, &found); err != nil {
			return err
		}
		if found != "ok" {
			return fmt.Errorf("%w: %w: %s", store.ErrDamaged, errMalformed, found)
		}
	}
	return nil
}

// useWAL switches the journal mode, which the file remembers.
func (t *tx) useWAL() error {
	var mode string
	if err := t.scan("PRAGMA journal_mode = WAL", nil, &mode); err != nil {
		return err
	}
	if mode != "wal" {
		return errNoWAL
	}
	return nil
}
