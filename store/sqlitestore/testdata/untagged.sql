-- A file as programs made it before there were tags, with a document of three commits.
PRAGMA journal_mode = WAL;
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
	mtime   INTEGER NOT NULL DEFAULT 0, -- nanoseconds since 1970
	body    BLOB NOT NULL
);
CREATE INDEX documents_changed ON documents (changed); -- for those who follow

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
	UPDATE documents SET counter = counter + 1,
		changed = (SELECT sequence FROM meta),
		mtime = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000000
	WHERE path = new.path;
END;

PRAGMA application_id = 0x7a6b7374;
PRAGMA user_version = 2;

INSERT INTO documents (path, created, changed, counter, mtime, body) VALUES ('/doc', 1, 3, 2, 1700000000000000000, x'32');
INSERT INTO journals VALUES ('/doc', 10);
INSERT INTO history (path, changed, mtime, body) VALUES ('/doc', 3, 1700000000000000000, x'7b7d');
UPDATE meta SET sequence = 3;
