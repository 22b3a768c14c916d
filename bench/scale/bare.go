package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/zkstate/zkstate/internal/zk"
)

// bareSession is a session of zkstate's ZooKeeper client and nothing above it.
func (w *Worker) bareSession(ctx context.Context, addr string, onEvent func(zk.Event)) (*zk.Session, error) {
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{addr}, OnEvent: onEvent})
	if err != nil {
		return nil, err
	}
	session, err := client.Session(ctx)
	if err != nil {
		client.Close()
		return nil, err
	}
	w.closers = append(w.closers, client.Close)
	return session, nil
}

// Place is where bare clients work.
type Place struct {
	Addr   string // of a server, or an SQLite file
	Path   string
	N      int
	Report bool // each loop writes what it has seen, and that is seen which somebody has read there
}

// report is where a loop writes what it has seen.
func (p Place) report(loop int) string { return fmt.Sprintf("%s/%05d", p.reports(), loop) }

func (p Place) reports() string { return path.Dir(p.Path) + "/reports" }

// Creates makes N nodes below Path by one session, and tells how long that took.
func (w *Worker) Creates(at Place, took *time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	session, err := w.bareSession(ctx, at.Addr, nil)
	if err != nil {
		return err
	}
	if err := createNode(ctx, session, at.Path, nil); err != nil && !errors.Is(err, zk.ErrNodeExists) {
		return err
	}
	begun := time.Now()
	err = each(at.N, func(i int) error {
		return createNode(ctx, session, fmt.Sprintf("%s/node-%05d", at.Path, i), encoded(0))
	})
	*took = time.Since(begun)
	return err
}

func createNode(ctx context.Context, session *zk.Session, path string, data []byte) error {
	_, err := session.Call(ctx, zk.Create{Path: path, Data: data, ACL: zk.WorldACL(zk.PermAll)})
	return err
}

// SetBy makes Change set the node at Path by a session of its own.
func (w *Worker) SetBy(at Place, _ *struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	session, err := w.bareSession(ctx, at.Addr, nil)
	if err != nil {
		return err
	}
	w.set = func(ctx context.Context, value int64) error {
		_, err := session.Call(ctx, zk.Set{Path: at.Path, Data: encoded(value), Version: zk.AnyVersion})
		return err
	}
	return nil
}

// Loops follows the node at Path in N sessions: each gets it with a watch, again and again, and
// reports what it got if that is wanted.
func (w *Worker) Loops(at Place, _ *struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.SetBy(at, nil); err != nil {
		return err
	}
	session, err := w.bareSession(ctx, at.Addr, nil)
	if err != nil {
		return err
	}
	for _, node := range []string{path.Dir(at.Path), at.Path} {
		if err := createNode(ctx, session, node, encoded(0)); err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
	}
	w.seen = newArrivals(at.N)
	if at.Report {
		if err := w.readReports(ctx, at); err != nil {
			return err
		}
	}
	for i := range at.N {
		if err := w.loop(ctx, at, i); err != nil {
			return err
		}
	}
	return nil
}

// readReports makes a node for each loop, and from then on reads each that is written.
func (w *Worker) readReports(ctx context.Context, at Place) error {
	var session *zk.Session
	session, err := w.bareSession(ctx, at.Addr, func(event zk.Event) {
		if event.Kind != zk.NodeDataChanged {
			return
		}
		go func() {
			reply, err := session.Call(context.Background(), zk.Get{Path: event.Path})
			loop, failed := strconv.Atoi(path.Base(event.Path))
			value, unread := strconv.ParseInt(string(reply.Data), 10, 64)
			if errors.Join(err, failed, unread) == nil { // else it counts as one that never came
				w.seen.saw(loop, value)
			}
		}()
	})
	if err != nil {
		return err
	}
	if err := createNode(ctx, session, at.reports(), nil); err != nil {
		return err
	}
	if err := each(at.N, func(i int) error { return createNode(ctx, session, at.report(i), []byte("0")) }); err != nil {
		return err
	}
	_, err = session.Call(ctx, zk.AddWatch{Path: at.reports(), Mode: zk.PersistentRecursiveWatch})
	return err
}

// loop begins one loop. It returns when the first watch is set.
func (w *Worker) loop(ctx context.Context, at Place, i int) error {
	fired := make(chan struct{}, 1)
	session, err := w.bareSession(ctx, at.Addr, func(event zk.Event) {
		if event.Kind == zk.NodeDataChanged {
			fired <- struct{}{} // the watch was used up, so the channel is empty
		}
	})
	if err != nil {
		return err
	}
	look := func(ctx context.Context) error {
		reply, err := session.Call(ctx, zk.Get{Path: at.Path, Watch: true})
		if err != nil {
			return err
		}
		value, err := decoded(reply.Data)
		if at.Report && err == nil {
			_, err = session.Call(ctx, zk.Set{Path: at.report(i), Data: strconv.AppendInt(nil, value, 10), Version: zk.AnyVersion})
			return err
		}
		w.seen.saw(i, value)
		return err
	}
	if err := look(ctx); err != nil {
		return err
	}
	go func() {
		for range fired {
			if err := look(context.Background()); err != nil {
				return // the client is closed; a loop that failed is seen as one that never sees the value
			}
		}
	}()
	return nil
}

// openSQLite opens a file with what the store uses: a log that is written ahead.
func (w *Worker) openSQLite(file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	w.closers = append(w.closers, func() { db.Close() })
	return db, nil
}

// Inserts puts N rows into a table in a file of its own, each in a transaction of its own, and
// tells how long that took.
func (w *Worker) Inserts(at Place, took *time.Duration) error {
	db, err := w.openSQLite(at.Addr)
	if err != nil {
		return err
	}
	if _, err := db.Exec("CREATE TABLE documents (path TEXT PRIMARY KEY NOT NULL, body BLOB NOT NULL) WITHOUT ROWID"); err != nil {
		return err
	}
	begun := time.Now()
	err = each(at.N, func(i int) error {
		_, err := db.Exec("INSERT INTO documents VALUES (?, ?)", fmt.Sprintf("%s/doc-%05d", at.Path, i), encoded(0))
		return err
	})
	*took = time.Since(begun)
	return err
}

// UpdateBy makes Change set the document at Path as any SQLite tool would.
func (w *Worker) UpdateBy(at Place, _ *struct{}) error {
	db, err := w.openSQLite(at.Addr)
	if err != nil {
		return err
	}
	w.set = func(ctx context.Context, value int64) error {
		_, err := db.ExecContext(ctx, "UPDATE documents SET body = ? WHERE path = ?", encoded(value), at.Path)
		return err
	}
	return nil
}
