package zkstore_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
)

// told is what a watcher has told of the listeners of /doc.
type told struct {
	*testing.T
	ctx     context.Context
	w       store.ListenerWatcher
	records map[string]string
	reads   int // how many records it told of
}

func watchListeners(t *testing.T, ctx context.Context, s store.Store) *told {
	w := s.WatchListeners("/doc")
	t.Cleanup(w.Stop)
	return &told{t, ctx, w, map[string]string{}, 0}
}

// want takes news until they make up these records. What is not available now is asked
// for again.
func (l *told) want(want map[string]string) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	for unread := 1; unread > 0 || !maps.Equal(l.records, want); {
		news, err := l.w.Next(ctx)
		if ctx.Err() != nil {
			l.Fatalf("told so far: %v, not read: %d, %v", l.records, unread, err)
		}
		if err != nil {
			continue
		}
		for _, id := range news.Gone {
			delete(l.records, id)
		}
		for _, record := range news.Changed {
			l.records[record.ID] = string(record.Data)
		}
		unread = news.Unread
		l.reads += len(news.Changed)
	}
}

func announce(t *testing.T, ctx context.Context, s store.Store, id, data string) {
	t.Helper()
	if err := s.Announce(ctx, "/doc", id, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

// TestListenerWatchSurvivesReconnects: what comes, changes and goes while there is no
// connection, and thus no watch, is told afterwards.
func TestListenerWatchSurvivesReconnects(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	announce(t, b.ctx, b.direct, "stays", "1")
	announce(t, b.ctx, b.direct, "goes", "1")
	l := watchListeners(t, b.ctx, b.s)
	l.want(map[string]string{"stays": "1", "goes": "1"})
	for i := range 5 {
		b.net.SetMode(netfault.Refuse)
		b.net.Cut()
		announce(t, b.ctx, b.direct, "stays", fmt.Sprint("cut ", i))
		announce(t, b.ctx, b.direct, fmt.Sprint("came", i), "1")
		if err := b.direct.Withdraw(b.ctx, "/doc", "goes"); err != nil {
			t.Fatal(err)
		}
		b.net.SetMode(netfault.Pass)
		want := map[string]string{"stays": fmt.Sprint("cut ", i)}
		for j := range i + 1 {
			want[fmt.Sprint("came", j)] = "1"
		}
		l.want(want)
		announce(t, b.ctx, b.direct, "goes", "back")
		want["goes"] = "back"
		l.want(want)
	}
}

// TestListenerWatchThatIsLost: the server, or what is in between, tells of nothing.
func TestListenerWatchThatIsLost(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	announce(t, b.ctx, b.direct, "changes", "1")
	announce(t, b.ctx, b.direct, "goes", "1")
	l := watchListeners(t, b.ctx, b.s)
	l.want(map[string]string{"changes": "1", "goes": "1"})
	defer b.net.HoldEvents()()
	announce(t, b.ctx, b.direct, "changes", "2")
	if err := b.direct.Withdraw(b.ctx, "/doc", "goes"); err != nil {
		t.Fatal(err)
	}
	l.want(map[string]string{"changes": "2"})
}

// TestListenerWatchReadsOnce: many records are read in few requests, each of them once,
// and then again when it has changed; afterwards the server watches nothing for it.
func TestListenerWatchReadsOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	const n = 500
	want := map[string]string{}
	for i := range n {
		id := fmt.Sprint("id", i)
		announce(t, b.ctx, b.direct, id, "before")
		want[id] = "before"
	}
	before := counts(t, b.server)
	l, second := watchListeners(t, b.ctx, b.s), watchListeners(t, b.ctx, b.s)
	l.want(want)
	second.want(want)
	if spent := counts(t, b.server).Since(before); spent.Requests > 40 || l.reads != n || spent.Watches != 2 { // of the data, and of the children
		t.Errorf("%d records were told in %d reads and %d requests, with %d watches", n, l.reads, spent.Requests, spent.Watches)
	}
	second.w.Stop() // the watch is still needed
	before = counts(t, b.server)
	for i := range n {
		id := fmt.Sprint("id", i)
		announce(t, b.ctx, b.direct, id, "after")
		want[id] = "after"
	}
	l.want(want)
	if spent := counts(t, b.server).Since(before); spent.Requests > 2*n+60 || l.reads > 2*n {
		t.Errorf("%d changes were told in %d reads and %d requests, the changes included", n, l.reads-n, spent.Requests)
	}
	watches := counts(t, b.server).Watches
	l.w.Stop()
	b.eventually("the watch is removed", func() error {
		if now := counts(t, b.server).Watches; now != watches-2 {
			return fmt.Errorf("%d watches, %d before", now, watches)
		}
		return nil
	})
	again := watchListeners(t, b.ctx, b.s)
	again.want(want)
	announce(t, b.ctx, b.direct, "id0", "last")
	want["id0"] = "last"
	again.want(want)
}

// TestListenerWatchOfOne stops and starts watchers all the time: none may be left without
// a watch because another one's was removed.
func TestListenerWatchOfOne(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for i := range 100 {
		l := watchListeners(t, b.ctx, b.s)
		if i > 0 {
			l.want(map[string]string{"id": fmt.Sprint(i - 1)})
		}
		announce(t, b.ctx, b.direct, "id", fmt.Sprint(i))
		l.want(map[string]string{"id": fmt.Sprint(i)})
		l.w.Stop()
	}
}

// TestListenerWatchOnAnOlderServer: one without persistent watches.
func TestListenerWatchOnAnOlderServer(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	s, direct := open(t, "", olderServer(t, server.Addr(), wire.OpAddWatch)), open(t, "", server.Addr())
	defer s.Close()
	defer direct.Close()
	announce(t, t.Context(), direct, "a", "1")
	l := watchListeners(t, t.Context(), s)
	l.want(map[string]string{"a": "1"})
	for i := range 3 {
		announce(t, t.Context(), direct, "a", fmt.Sprint("changed ", i))
		l.want(map[string]string{"a": fmt.Sprint("changed ", i)})
		announce(t, t.Context(), direct, "b", fmt.Sprint(i))
		l.want(map[string]string{"a": fmt.Sprint("changed ", i), "b": fmt.Sprint(i)})
		if err := direct.Withdraw(t.Context(), "/doc", "b"); err != nil {
			t.Fatal(err)
		}
		l.want(map[string]string{"a": fmt.Sprint("changed ", i)})
	}
}

// TestListenerWatchOfLargeRecords: together they are more than one answer may have.
func TestListenerWatchOfLargeRecords(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	large := string(bytes.Repeat([]byte("x"), 400_000))
	want := map[string]string{}
	for i := range 8 {
		id := fmt.Sprint("id", i)
		announce(t, b.ctx, b.direct, id, large)
		want[id] = large
	}
	watchListeners(t, b.ctx, b.s).want(want)
}

// TestAwaitWithoutRights: a commit that may not be marked goes through without.
func TestAwaitWithoutRights(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	v := b.create("0")
	p := newPlainClient(t, b.ctx, b.server.Addr())
	p.call(zk.SetACL{Path: "/doc/payload", ACL: zk.WorldACL(zk.PermRead | zk.PermWrite), Version: zk.AnyVersion})
	versions, err := b.direct.Commit(b.ctx, store.Put{Path: "/doc", Base: v, Data: []byte("1")}, store.Await{Path: "/doc"})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := b.direct.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
	if err != nil || rec.Version != versions[0] || string(rec.Data) != "1" || rec.Awaited != 0 {
		t.Errorf("%+v, %v", rec, err)
	}
}

// TestAwaitLeavesNothing: the mark is gone with its commit, and costs no event.
func TestAwaitLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	v := b.create("0")
	before := counts(t, b.server)
	mustCommit(t, b.ctx, b.direct, store.Put{Path: "/doc", Base: v, Data: []byte("1")}, store.Await{Path: "/doc"})
	spent := counts(t, b.server).Since(before)
	if spent.Znodes != 0 || spent.Zxid != 1 {
		t.Errorf("%d znodes stay of %d transactions", spent.Znodes, spent.Zxid)
	}
	children := newPlainClient(t, b.ctx, b.server.Addr()).call(zk.Children{Path: "/doc/payload"}).Children
	if !slices.Equal(children, []string{}) {
		t.Errorf("below the payload: %v", children)
	}
}

func counts(t *testing.T, server *zkserver.Server) zkserver.Counts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := server.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
