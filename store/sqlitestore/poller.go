package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/zkstate/zkstate/store"
)

// poller asks the database whether anybody committed, and what.
type poller struct {
	store    *Store
	conn     *sql.Conn // nil until needed, and after a failure
	version  int64     // data_version, which only compares on one connection
	sequence int64     // up to which all changes were seen; 0: none were
	tag      int64     // of that; 0: it has none
	deleted  int64     // the last deletion that was seen

	moved   bool      // somebody committed since this handle's records were last looked for
	checkAt time.Time // when they may be again
}

// look hints every followed document that moved since it was last hinted, and confirms
// all that is followed as it is now.
func (p *poller) look(ctx context.Context) {
	asked := time.Now()
	err := p.lookOnce(ctx)
	p.store.counters.countLook(asked, err)
	if err != nil {
		p.failed(ctx, err)
		return
	}
	p.store.watch.proof.Store(&asked)
}

func (p *poller) lookOnce(ctx context.Context) error {
	if p.conn == nil {
		conn, err := p.store.poller.Conn(ctx)
		if err != nil {
			return err
		}
		p.conn, p.version, p.sequence = conn, -1, 0
	}
	err := p.store.checkFile()
	t := &tx{conn: p.conn, ctx: context.WithoutCancel(ctx)}
	var version int64
	if err == nil {
		err = t.scan("PRAGMA data_version", nil, &version)
	}
	if err != nil {
		return err
	}
	moved := version != p.version
	unseen := p.store.watch.unseen(moved)
	news := len(unseen) > 0
	if moved && !news {
		if news, err = p.hasNews(t); err != nil {
			return err
		}
	}
	if news {
		err = t.run(ctx, "BEGIN", func() (err error) {
			if t.tag, err = p.store.tagColumn(t.ctx, t.conn); err != nil {
				return err
			}
			return p.read(t, unseen)
		})
		if err != nil {
			return err
		}
	}
	p.moved = p.moved || moved
	if moved {
		p.store.watch.listeners.SignalAll()
	}
	p.version = version // only now: what failed above is looked for again
	return nil
}

// hasNews reports whether a document was changed since the last look. Most commits are of
// listener records.
func (p *poller) hasNews(t *tx) (news bool, err error) {
	if p.tag == 0 || !p.store.tagged.Load() {
		return true, nil
	}
	err = t.scan(`SELECT sequence <> ?1 OR NOT EXISTS (SELECT 1 FROM commits WHERE slot = ?1 % 256 AND sequence = ?1 AND tag = ?2)
		FROM meta`, []any{p.sequence, p.tag}, &news)
	return news, err
}

// read reads what changed since the last look, and what was not looked at yet, in one
// state of the database.
func (p *poller) read(t *tx, unseen []string) error {
	w := &p.store.watch
	var sequence, deleted int64
	if err := t.scan("SELECT sequence, deleted FROM meta", nil, &sequence, &deleted); err != nil {
		return err
	}
	tag, err := t.tagOf(sequence)
	if err != nil {
		return err
	}
	before, err := t.tagOf(p.sequence)
	if err != nil {
		return err
	}
	if before == 0 || before != p.tag { // another history, or so much was committed that it cannot be told
		p.deleted = deleted
		unseen = w.all()
	} else if err := t.changed(p.sequence, w.show); err != nil {
		return err
	} else if deleted != p.deleted { // what was deleted is among what is not there
		there, err := t.documents()
		if err != nil {
			return err
		}
		for _, path := range w.all() {
			if !there[path] && !isQueue(path) {
				w.show(path, store.Version{}, markOf(deleted))
			}
		}
	}
	for _, path := range unseen {
		version, mark, err := t.at(path, deleted)
		if err != nil {
			return err
		}
		w.show(path, version, mark)
	}
	p.sequence, p.tag, p.deleted = sequence, tag, deleted
	return nil
}

// at returns the version and the mark of what is followed. That of a queue is the place at
// its head.
func (t *tx) at(path string, deleted int64) (version, mark store.Version, err error) {
	if document, ok := strings.CutPrefix(path, queuePrefix); ok {
		var head int64
		err = t.scan("SELECT coalesce(min(place), 0) FROM writers WHERE path = ?", []any{document}, &head)
		return version, markOf(head), err
	}
	version, err = t.version(path)
	if version.IsZero() {
		return version, markOf(deleted), err
	}
	return version, version, err
}

// tagOf returns the tag of a number of the sequence, 0 if it has none any more.
func (t *tx) tagOf(sequence int64) (tag int64, err error) {
	if t.tag == "0" { // nobody has migrated the file
		return 0, nil
	}
	err = t.scan("SELECT tag FROM commits WHERE slot = ?1 % 256 AND sequence = ?1", []any{sequence}, &tag)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return tag, err
}

// changed shows every document that was written after a sequence number.
func (t *tx) changed(since int64, show func(path string, v, mark store.Version)) error {
	rows, err := t.conn.QueryContext(t.ctx, "SELECT path, created, changed, counter, "+t.tag+" FROM documents WHERE changed > ?", since)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var path string
		var created, changed, tag int64
		var counter int32
		if err := rows.Scan(&path, &created, &changed, &counter, &tag); err != nil {
			return err
		}
		v := store.NewVersion(created, changed, counter).WithTag(tag)
		show(path, v, v)
	}
	return rows.Err()
}

// documents returns the paths of all documents, which are in one index.
func (t *tx) documents() (map[string]bool, error) {
	rows, err := t.conn.QueryContext(t.ctx, "SELECT path FROM documents")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there := make(map[string]bool)
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			return nil, err
		}
		there[path] = true
	}
	return there, rows.Err()
}

// unseen returns what is to be looked at by itself: what was not yet and, if anybody
// committed, the queues.
func (w *follower) unseen(committed bool) (paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for path := range w.fresh {
		paths = append(paths, path)
	}
	if committed {
		for path := range w.queues {
			paths = append(paths, path)
		}
	}
	return paths
}

func (w *follower) all() (paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for path := range w.paths {
		paths = append(paths, path)
	}
	return paths
}

// show notes what a look showed, and hints if that is not what was hinted last. Where the
// file was restored, it can be older.
func (w *follower) show(path string, v, mark store.Version) {
	w.mu.Lock()
	p := w.paths[path]
	news := p != nil && p.mark != mark
	if news {
		p.mark = mark
	}
	if p != nil {
		p.shown.Store(&v)
		delete(w.fresh, path)
	}
	w.mu.Unlock()
	if news {
		w.hub.Signal(path)
	}
}

func isQueue(path string) bool { return strings.HasPrefix(path, queuePrefix) }

func (p *poller) failed(ctx context.Context, err error) {
	p.store.noteFailure(err)
	if isBusy(err) || ctx.Err() != nil {
		return
	}
	p.store.log.Warn("sqlitestore: looking for changes failed, trying again", "file", p.store.file, "error", err)
	p.close()
}

func (p *poller) close() {
	if p.conn != nil {
		(&tx{conn: p.conn}).discard()
		_ = p.conn.Close()
		p.conn = nil
	}
}
