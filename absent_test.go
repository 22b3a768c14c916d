package zkstate_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

// losing is a store that loses the listener records of some ids, as if their sessions
// had ended.
type losing struct {
	store.Store
	mu        sync.Mutex // guards all below
	lost      []string
	forgotten []string
}

func (l *losing) lose(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = ids
}

func (l *losing) gone() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.forgotten)
}

func (l *losing) Listeners(ctx context.Context, path string) ([]store.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, err := l.Store.Listeners(ctx, path)
	return slices.DeleteFunc(found, func(r store.Listener) bool { return slices.Contains(l.lost, r.ID) }), err
}

func (l *losing) WatchListeners(path string) store.ListenerWatcher {
	return &polling{list: func(ctx context.Context) ([]store.Listener, error) { return l.Listeners(ctx, path) }}
}

func (l *losing) Absent(ctx context.Context, path string, present []string) ([]store.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, err := l.Store.Listeners(ctx, path)
	return slices.DeleteFunc(found, func(r store.Listener) bool {
		return slices.Contains(present, r.ID) || slices.Contains(l.forgotten, r.ID)
	}), err
}

func (l *losing) Forget(_ context.Context, _ string, lost store.Listener) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgotten = append(l.forgotten, lost.ID)
	return nil
}

// TestWaitAllWaitsForTheVanished: a State that cannot reach the store serves what it
// has, and its record is gone with its session. Nobody may be told meanwhile that all
// have applied something newer.
func TestWaitAllWaitsForTheVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		faults := storetest.Inject(mem.Attach())
		cut, err := zkstate.Open(t.Context(), faults, "/app/config", initial(), zkstate.WithID("cut"), zkstate.WithMaxStaleness(20*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Second)
		faults.Hang(true)
		s := &losing{Store: mem.Attach()}
		s.lose("cut")
		// The waiter has just started: it has never seen the record.
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		_, err = st.Update(t.Context(), bump, zkstate.WaitAll(), zkstate.WaitTimeout(5*time.Second))
		var not *zkstate.NotAppliedError
		if !errors.As(err, &not) || len(not.Silent) != 1 || not.Silent[0].ID != "cut" || not.Silent[0].Status != zkstate.StatusLost {
			t.Errorf("five seconds after it vanished: %v", err)
		}
		began := time.Now()
		if _, err = st.Update(t.Context(), bump, zkstate.WaitAll()); err != nil {
			t.Error(err)
		}
		if got, err := cut.Read(); err == nil {
			t.Errorf("all have applied it, and %v later one serves %+v", time.Since(began), got)
		}
		if took := time.Since(began); took > 21*time.Second {
			t.Errorf("it was waited for %v after its reads had ended", took)
		}
		began = time.Now()
		if _, err = st.Update(t.Context(), bump, zkstate.WaitAll()); err != nil || time.Since(began) > time.Second {
			t.Errorf("the next one waits %v for one who was lost long ago, %v", time.Since(began), err)
		}
		faults.Hang(false)
		closeState(t, cut)
		closeState(t, st)
	})
}

// TestWaitAllAfterAReturn: one whose session was lost is back soon.
func TestWaitAllAfterAReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		other, err := zkstate.Open(t.Context(), mem.Attach(), "/app/config", initial(), zkstate.WithID("other"))
		if err != nil {
			t.Fatal(err)
		}
		s := &losing{Store: mem.Attach()}
		st, err := zkstate.Open(t.Context(), s, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		s.lose("other")
		time.AfterFunc(3*time.Second, func() { s.lose() })
		began := time.Now()
		if _, err = st.Update(t.Context(), bump, zkstate.WaitAll()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 3*time.Second || took > 5*time.Second || len(s.gone()) > 0 {
			t.Errorf("one that was away for 3s was waited for %v; forgotten %v", took, s.gone())
		}
		closeState(t, other)
		if _, err = st.Update(t.Context(), bump, zkstate.WaitAll()); err != nil {
			t.Error(err)
		}
		closeState(t, st)
	})
}

// servesOlder reports whether a State's reads serve an older version than v.
func servesOlder(st *zkstate.State[config], v zkstate.Version) bool {
	_, err := st.Read()
	snap, _ := st.Snapshot()
	return err == nil && snap.Version.Before(v)
}

// TestVanishedOnZooKeeper: on a real server, a listener is cut off until its session has
// ended, and then its sessions are killed again and again. Whenever all are said to have
// applied a version, it serves nothing older.
func TestVanishedOnZooKeeper(t *testing.T) {
	t.Parallel()
	b := newZKBed(t, zkstate.WithID("cut"), zkstate.WithMaxStaleness(12*time.Second), zkstate.WithRefresh(500*time.Millisecond))
	b.net.SetMode(netfault.Blackhole)
	b.eventually("its record goes with its session", func() bool {
		found, err := b.writer.Listeners(b.ctx)
		return err == nil && !slices.ContainsFunc(found, func(l zkstate.Listener) bool { return l.ID == "cut" })
	})
	late := openOn(b.env, zkOn(t, 4*time.Second, b.server), zkstate.WithID("late"))
	if _, err := b.st.Read(); err != nil {
		t.Fatalf("the test's premise: it still serves what it has: %v", err)
	}
	v, err := late.Update(b.ctx, bump, zkstate.WaitAll())
	if err != nil || servesOlder(b.st, v) {
		t.Errorf("said to be applied by all: %v; and older is served: %v", err, servesOlder(b.st, v))
	}
	b.net.SetMode(netfault.Pass)
	b.eventually("it is back", func() bool { _, err := b.st.Read(); return err == nil })

	kills := 0
	for range 8 {
		if session, ok := b.net.LastSession(); ok && zkserver.KillSession(b.ctx, b.server, session.ID, session.Password) == nil {
			kills++
		}
		v, err := late.Update(b.ctx, bump, zkstate.WaitAll())
		if err != nil || servesOlder(b.st, v) {
			t.Errorf("after %d kills, said to be applied by all: %v; and older is served: %v", kills, err, servesOlder(b.st, v))
		}
	}
	t.Logf("%d sessions were killed", kills)
	if kills == 0 {
		t.Error("no session was killed: this test has shown nothing")
	}
}

// TestCloseSaysGoodBye: nobody waits for a State that was closed, although the answer to
// its good-bye was lost.
func TestCloseSaysGoodBye(t *testing.T) {
	t.Parallel()
	b := newZKBed(t)
	for range 3 {
		s := zkOn(t, 4*time.Second, b.net.Addr())
		st, err := zkstate.Open(b.ctx, s, "/app/config", initial(), zkstate.WithID("leaver"))
		if err != nil {
			t.Fatal(err)
		}
		lost := b.net.DropReply(func(op wire.Opcode) bool { return op == wire.OpMulti })
		if err := st.Close(); err != nil {
			t.Logf("Close says %v", err)
		}
		<-lost
		began := time.Now()
		if _, err := b.writer.Update(b.ctx, bump, zkstate.WaitAll()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > zkstate.DefaultMaxStaleness/2 {
			t.Errorf("it was waited for %v", took)
		}
		found, err := b.writer.Listeners(b.ctx)
		if err != nil || slices.ContainsFunc(found, func(l zkstate.Listener) bool { return l.ID == "leaver" }) {
			t.Errorf("its record stays: %+v, %v", found, err)
		}
	}
}
