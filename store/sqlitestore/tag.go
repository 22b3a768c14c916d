package sqlitestore

import (
	"context"
	"database/sql"
	"math/rand/v2"

	sqlite3 "modernc.org/sqlite/lib"
)

// Each write of a document has a random tag, which is a part of its version: where the file
// is restored from a backup, the numbers of what was undone are given again, and the tags
// are not. So that a follower sees that too, without looking at all that it follows, each
// number of the sequence has a tag as well, which is kept for the newest ones.
//
// The triggers are for other tools, and for programs of this package from before there were
// tags: whoever writes, there is a tag.
const tagSchema = `
CREATE TABLE commits (
	slot     INTEGER PRIMARY KEY, -- sequence % 256
	sequence INTEGER NOT NULL,
	tag      INTEGER NOT NULL
);
CREATE TRIGGER committed AFTER UPDATE OF sequence ON meta BEGIN
	INSERT OR REPLACE INTO commits VALUES (new.sequence % 256, new.sequence, random());
END;
CREATE TRIGGER document_made AFTER INSERT ON documents WHEN new.tag = 0 BEGIN
	UPDATE documents SET tag = 1 + (random() & 0xffffffffffff) WHERE path = new.path;
END;
CREATE TRIGGER document_moved AFTER UPDATE OF changed ON documents WHEN new.tag = old.tag BEGIN
	UPDATE documents SET tag = 1 + (random() & 0xffffffffffff) WHERE path = new.path;
END;
`

// tagMigration brings a file that was made before there were tags to the present form. Programs
// from then go on working with it, so it keeps its format's number. What is in the file has no
// tag until it is written again.
const tagMigration = `
ALTER TABLE documents ADD COLUMN tag INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN tag INTEGER NOT NULL DEFAULT 0;
` + tagSchema

// newTag makes a tag. It is short, since people read versions, and never 0.
func newTag() int64 { return 1 + rand.Int64N(1<<48) }

// migrate makes the tables hold tags, and makes what else there was not always. The first write
// of a handle does it, so that those who only look write nothing.
func (t *tx) migrate() error {
	tagged, err := hasTags(t.ctx, t.conn)
	if err == nil && !tagged {
		err = t.exec(tagMigration)
	}
	if err == nil {
		err = t.exec(followSchema + rosterSchema)
	}
	return err
}

// querier is a connection, or a pool of them.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func hasTags(ctx context.Context, q querier) (yes bool, err error) {
	err = q.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_info('documents') WHERE name = 'tag'").Scan(&yes)
	return yes, err
}

// tagColumn returns the SQL for a tag: its column, or 0 as long as nobody has migrated the
// file.
func (s *Store) tagColumn(ctx context.Context, q querier) (string, error) {
	if !s.tagged.Load() {
		if yes, err := hasTags(ctx, q); err != nil || !yes {
			return "0", err
		}
		s.tagged.Store(true)
	}
	return "tag", nil
}

// noteFailure makes the handle look anew for tags after a statement that did not fit the
// tables: an older file may have been restored in place.
func (s *Store) noteFailure(err error) {
	if sqliteCode(err) == sqlite3.SQLITE_ERROR {
		s.tagged.Store(false)
	}
}
