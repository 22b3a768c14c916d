package zkstate_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/zkstore"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv("ZKSTATE_TEST_HOLDER"); addr != "" {
		holdForEver(addr)
		return
	}
	if file := os.Getenv("ZKSTATE_TEST_COUNTER"); file != "" {
		countForEver(file)
		return
	}
	if addr := os.Getenv("ZKSTATE_TEST_SLEEPER"); addr != "" {
		sleeper(addr)
		return
	}
	goleak.VerifyTestMain(zkserver.Main{M: m})
}

// patience bounds what a test waits for. It decides nothing when things work.
const patience = 30 * time.Second

// config is the shared struct of these tests.
type config struct {
	Processes []string          `json:"processes"`
	Interval  int               `json:"interval"`
	Labels    map[string]string `json:"labels,omitempty"`
}

func (c *config) Validate() error {
	if c.Interval < 0 {
		return errNegative
	}
	return nil
}

var errNegative = fmt.Errorf("interval is negative")

func initial() config { return config{Processes: []string{"systemd*", "rsync*"}, Interval: 1} }

// env is one test on one kind of store: handle opens another handle on its data.
type env struct {
	*testing.T
	ctx    context.Context
	handle func() store.Store
	tool   func(doc string) // writes the document as another tool would; nil where there is none
}

var chroots atomic.Int64

// eachStore runs a test over all three stores, beside other tests.
func eachStore(t *testing.T, test func(e *env)) {
	t.Parallel()
	run := func(name string, fresh func(t *testing.T) (func() store.Store, func(string))) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
			t.Cleanup(cancel)
			open, tool := fresh(t)
			test(&env{T: t, ctx: ctx, tool: tool, handle: func() store.Store {
				s := open()
				t.Cleanup(func() {
					if err := s.Close(); err != nil {
						t.Errorf("close the store: %v", err)
					}
				})
				return s
			}})
		})
	}
	run("mem", func(*testing.T) (func() store.Store, func(string)) {
		first := memstore.New()
		return func() store.Store { return first.Attach() }, nil
	})
	run("sqlite", func(t *testing.T) (func() store.Store, func(string)) {
		file := filepath.Join(t.TempDir(), "state.db")
		return func() store.Store {
			s, err := sqlitestore.Open(context.Background(), file, sqlitestore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}, func(doc string) { editFile(t, file, doc) }
	})
	run("zk", func(t *testing.T) (func() store.Store, func(string)) {
		server, chroot := zkserver.Shared(t), fmt.Sprintf("/test%d", chroots.Add(1))
		return func() store.Store {
			s, err := zkstore.Open(zkstore.Config{Servers: []string{server.Addr()}, Chroot: chroot})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}, func(doc string) { editNode(t, server.Addr(), chroot+"/app/config/payload", doc) }
	})
}

// editFile edits the document in the file's table.
func editFile(t *testing.T, file, doc string) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("UPDATE documents SET body = ? WHERE path = '/app/config'", []byte(doc)); err != nil {
		t.Fatal(err)
	}
}

// editNode sets a znode's data.
func editNode(t *testing.T, addr, full, doc string) {
	_, err := plainSession(t, addr).Call(t.Context(), zk.Set{Path: full, Data: []byte(doc), Version: zk.AnyVersion})
	if err != nil {
		t.Fatal(err)
	}
}

// plainSession is another tool's, which knows znodes only.
func plainSession(t *testing.T, addr string) *zk.Session {
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{addr}, SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	session, err := client.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// open attaches a State through a handle of its own, as another process would.
func (e *env) open(opts ...zkstate.OpenOption) *zkstate.State[config] {
	e.Helper()
	return openOn(e, e.handle(), opts...)
}

func openOn(e *env, s store.Store, opts ...zkstate.OpenOption) *zkstate.State[config] {
	e.Helper()
	st, err := zkstate.Open(e.ctx, s, "/app/config", initial(), opts...)
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { closeState(e.T, st) })
	return st
}

func closeState[T any](t *testing.T, st *zkstate.State[T]) {
	if err := st.Close(); err != nil {
		t.Errorf("close the State: %v", err)
	}
}

// eventually waits until ok, woken by every change that st publishes and, for
// what is no change, by a short tick.
func (e *env) eventually(what string, ok func() bool) {
	e.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			e.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// next takes one ChangeSet.
func next(t *testing.T, sets <-chan zkstate.ChangeSet) zkstate.ChangeSet {
	t.Helper()
	select {
	case set := <-sets:
		return set
	case <-time.After(patience):
		t.Fatal("no change set came")
		return zkstate.ChangeSet{}
	}
}

// changes makes a channel of a State's sets.
func (e *env) changes(st *zkstate.State[config], opts ...zkstate.ChangesOption) <-chan zkstate.ChangeSet {
	ctx, cancel := context.WithCancel(e.ctx)
	sets := make(chan zkstate.ChangeSet)
	done := make(chan struct{})
	seq := st.Changes(ctx, opts...)
	go func() {
		defer close(done)
		for set := range seq {
			select {
			case sets <- set:
			case <-ctx.Done():
				return
			}
		}
	}()
	e.Cleanup(func() { cancel(); <-done })
	return sets
}

// raw reads and writes the document as any other tool would.
type raw struct {
	*env
	s store.Store
}

func (e *env) raw() raw { return raw{e, e.handle()} }

func (r raw) load() store.Record {
	r.Helper()
	rec, err := r.s.Load(r.ctx, "/app/config", store.Version{}, store.Linearizable)
	if err != nil {
		r.Fatal(err)
	}
	return rec
}

func (r raw) put(doc string) store.Version {
	r.Helper()
	versions, err := r.s.Commit(r.ctx, store.Put{Path: "/app/config", Base: r.load().Version, Data: []byte(doc)})
	if err != nil {
		r.Fatal(err)
	}
	return versions[0]
}

func (r raw) create(doc string) store.Version {
	r.Helper()
	versions, err := r.s.Commit(r.ctx, store.Create{Path: "/app/config", Data: []byte(doc)})
	if err != nil {
		r.Fatal(err)
	}
	return versions[0]
}
