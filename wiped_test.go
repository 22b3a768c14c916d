package zkstate_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
)

// wipedDocument is a document on a server whose data are wiped, and a State that has it open.
type wipedDocument struct {
	path   string
	silent bool  // the State hears nothing by itself: its update is the first that it does
	ahead  int64 // so many more transactions are made between its creation and its last change

	st     *zkstate.State[config]
	said   *warnings
	before zkstate.Snapshot[config]
	sets   <-chan zkstate.ChangeSet
}

func (d *wipedDocument) open(e *env, s store.Store) {
	d.said = newWarnings()
	opts := []zkstate.OpenOption{zkstate.WithLogger(slog.New(d.said)), zkstate.WithRefresh(200 * time.Millisecond)}
	if d.silent {
		s = blind{s}
		opts = append(opts, zkstate.WithRefresh(time.Hour), zkstate.WithMaxStaleness(3*time.Hour))
	}
	var err error
	if d.st, err = zkstate.Open(e.ctx, s, d.path, initial(), opts...); err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { closeState(e.T, d.st) })
	for range 4 {
		if _, err := d.st.Update(e.ctx, bump); err != nil {
			e.Fatal(err)
		}
	}
	d.sets = e.changes(d.st)
	d.before, _ = d.st.Snapshot()
}

// replay makes the document with just those numbers on a server, by transactions each of
// which has the next one.
func (d *wipedDocument) replay(e *env, session *zk.Session) {
	e.Helper()
	old := d.before.Version
	want := store.NewVersion(old.Created(), old.Order()+d.ahead, old.Counter())
	payload, doc := d.path+"/payload", []byte(`{"processes":[],"interval":1000}`)
	one := func(request zk.Request) zk.Reply {
		e.Helper()
		reply, err := session.Call(e.ctx, request)
		if err != nil {
			e.Fatal(err)
		}
		return reply
	}
	fill(e, session, want.Created()-1)
	one(zk.Multi{
		zk.Create{Path: d.path, ACL: zk.WorldACL(zk.PermAll)},
		zk.Create{Path: payload, Data: doc, ACL: zk.WorldACL(zk.PermAll)},
	})
	fill(e, session, want.Order()-int64(want.Counter()))
	for range want.Counter() {
		one(zk.Set{Path: payload, Data: doc, Version: zk.AnyVersion})
	}
	stat := one(zk.Exists{Path: payload}).Stat
	if got := store.NewVersion(stat.Czxid, stat.Mzxid, stat.Version); got != want {
		e.Fatalf("%s was made at %v, want %v", d.path, got, want)
	}
}

// fill makes transactions until the last one has that number.
func fill(e *env, session *zk.Session, last int64) {
	e.Helper()
	for zxid := int64(0); zxid < last; {
		reply, err := session.Call(e.ctx, zk.Set{Path: "/zookeeper", Version: zk.AnyVersion})
		if err != nil {
			e.Fatal(err)
		}
		zxid = reply.Zxid
	}
}

// follows holds that the State makes of the new history what it should.
func (d *wipedDocument) follows(e *env) {
	want := 1000
	if d.silent {
		want = 1001
		var ran []int
		_, err := d.st.Update(e.ctx, func(c *config) error {
			ran = append(ran, c.Interval)
			return bump(c)
		})
		if err != nil || fmt.Sprint(ran) != "[5 1000]" {
			e.Errorf("%s: the update ran on %v, %v", d.path, ran, err)
		}
	}
	e.eventually(d.path+": the new document is read", func() bool {
		got, err := d.st.Read()
		return err == nil && got.Interval == want
	})
	if got, _, err := d.st.ReadConsistent(e.ctx); err != nil || got.Interval != want {
		e.Errorf("%s: the quorum's is %+v, %v", d.path, got, err)
	}
	if set := next(e.T, d.sets); set.From != d.before.Version || !set.Replaced {
		e.Errorf("%s: from %v to %v, replaced: %v", d.path, set.From, set.To, set.Replaced)
	}
	if n := d.said.replaced(); n != 1 {
		e.Errorf("%s: it was logged %d times", d.path, n)
	}
	if _, err := d.st.Update(e.ctx, bump, zkstate.IfVersion(d.before.Version)); !errors.Is(err, zkstate.ErrConflict) {
		e.Errorf("%s: on a version of the old history: %v", d.path, err)
	}
}

// TestWipedZooKeeper: a server's data are wiped while States are open, and the documents are
// made anew, with the same version numbers or with later ones. The new history as a whole
// is shorter than what the client has seen, or longer. Reads follow, and say once that the
// history was replaced. An update that is based on the old document runs again on the new one.
func TestWipedZooKeeper(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	net, err := netfault.New(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := net.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, more := range map[string]int64{"longer": 1000, "shorter": 0} {
		if !t.Run(name, func(t *testing.T) {
			e := &env{T: t, ctx: t.Context()}
			s := zkOn(t, time.Second, net.Addr())
			documents := []*wipedDocument{{path: "/" + name + "-read"}, {path: "/" + name + "-update", silent: true}}
			if more > 0 {
				documents = append(documents, &wipedDocument{path: "/" + name + "-ahead", ahead: 100})
			}
			for _, d := range documents {
				d.open(e, s)
			}
			net.SetMode(netfault.Refuse)
			defer net.SetMode(netfault.Pass)
			if err := server.Wipe(); err != nil {
				t.Fatal(err)
			}
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
			session := plainSession(t, server.Addr())
			for _, d := range documents {
				d.replay(e, session)
			}
			fill(e, session, documents[0].before.Version.Order()+more)
			net.SetMode(netfault.Pass)
			for _, d := range documents {
				d.follows(e)
			}
		}) {
			return // there may be no server for the next one
		}
	}
}
