package zkstore_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// onServer starts a server that differs in some properties, and gives a store and a plain
// client on it.
func onServer(t *testing.T, cfg zkserver.Config) (context.Context, *zkserver.Server, *zkstore.Store, *plainClient) {
	t.Helper()
	server := zkserver.StandaloneConfig(t, cfg)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	s := open(t, "", server.Addr())
	t.Cleanup(func() { _ = s.Close() })
	return ctx, server, s, newPlainClient(t, ctx, server.Addr())
}

func mustCommit(t *testing.T, ctx context.Context, s store.Store, ops ...store.Op) []store.Version {
	t.Helper()
	versions, err := s.Commit(ctx, ops...)
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("the error is %v, want one that matches %q", err, want)
	}
}

// TestQuotaIsARefusal: it was called a lost answer, and tried again for ever.
func TestQuotaIsARefusal(t *testing.T) {
	t.Parallel()
	ctx, _, s, plain := onServer(t, zkserver.Config{Properties: map[string]string{"enforceQuota": "true"}})
	v := mustCommit(t, ctx, s, store.Create{Path: "/app/doc", Data: []byte("0")})[0]
	plain.create("/zookeeper/quota/app", "", zk.Persistent)
	plain.create("/zookeeper/quota/app/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=1000;countHardLimit=-1", zk.Persistent)
	plain.create("/zookeeper/quota/app/zookeeper_stats", "count=1,bytes=1", zk.Persistent)
	_, err := s.Commit(ctx, store.Put{Path: "/app/doc", Base: v, Data: bytes.Repeat([]byte("x"), 5000)},
		store.Receipt{Path: "/app/doc", ID: "me", Data: []byte("receipt")})
	wantErr(t, err, store.ErrQuota)
	_, err = s.Commit(ctx, store.Create{Path: "/app/large", Data: bytes.Repeat([]byte("x"), 5000)})
	wantErr(t, err, store.ErrQuota)
	mustCommit(t, ctx, s, store.Put{Path: "/app/doc", Base: v, Data: []byte("1")})
}

// TestEphemeralParent: nothing can be made below a znode that goes with its session.
func TestEphemeralParent(t *testing.T) {
	b := newLockBed(t)
	b.plain.create("/passing", "", zk.Ephemeral)
	_, err := b.direct.Commit(b.ctx, store.Create{Path: "/passing/doc", Data: []byte("0")})
	wantErr(t, err, store.ErrEphemeralParent)
	wantErr(t, b.direct.Announce(b.ctx, "/passing", "me", nil), store.ErrEphemeralParent)
	_, err = b.direct.Lock(b.ctx, "/passing", "me")
	wantErr(t, err, store.ErrEphemeralParent)
	wantErr(t, b.direct.SetJournal(b.ctx, "/passing/doc", 10), store.ErrEphemeralParent)
}

// TestRefusedCredentials: a server that refuses them says so, and is asked again.
func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	s, err := zkstore.Open(zkstore.Config{
		Servers: []string{server.Addr()}, SessionTimeout: session,
		Auth: []zkstore.Auth{{Scheme: "nosuch", Secret: "secret"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = s.Load(ctx, "/doc", store.Version{}, store.Local)
	wantErr(t, err, store.ErrDenied)
	if strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// TestForeignFolders: an application has all rights in its folder, and may only read the
// one above. What is there need not be created.
func TestForeignFolders(t *testing.T) {
	b := newLockBed(t)
	b.plain.create("/svc", "", zk.Persistent)
	b.plain.create("/svc/app", "", zk.Persistent)
	b.plain.call(zk.SetACL{Path: "/svc", ACL: zk.WorldACL(zk.PermRead), Version: zk.AnyVersion})
	s := b.direct
	v := mustCommit(t, b.ctx, s, store.Create{Path: "/svc/app", Data: []byte("0")}, store.Receipt{Path: "/svc/app", ID: "me", Data: []byte("1")})[0]
	if err := s.SetJournal(b.ctx, "/svc/app", 10); err != nil {
		t.Error(err)
	}
	lock, err := s.Lock(b.ctx, "/svc/app", "me")
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, b.ctx, s, store.Put{Path: "/svc/app", Base: v, Data: []byte("1")}, store.Append{Path: "/svc/app", Data: []byte("e")}, store.Release{Lock: lock})
	_, err = s.Commit(b.ctx, store.Create{Path: "/svc/other", Data: []byte("0")})
	wantErr(t, err, store.ErrDenied)
}

// TestReadOnlyFolder: a folder in which nothing may be changed, with a payload that may
// be. Commits do without what they would write there.
func TestReadOnlyFolder(t *testing.T) {
	b := newLockBed(t)
	for _, perms := range []zk.Perms{zk.PermRead, zk.PermCreate | zk.PermDelete, 0} {
		b.plain.call(zk.SetACL{Path: "/doc", ACL: []zk.ACL{{Perms: perms | zk.PermAdmin, Scheme: "world", ID: "anyone"}}, Version: zk.AnyVersion})
		s := open(t, "", b.server.Addr())
		rec, err := s.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
		if err != nil {
			t.Fatal(err)
		}
		v := mustCommit(t, b.ctx, s, store.Put{Path: "/doc", Base: rec.Version, Data: []byte("1")})[0]
		if perms&zk.PermDelete != 0 {
			mustCommit(t, b.ctx, s, store.Delete{Path: "/doc", Base: v})
			mustCommit(t, b.ctx, s, store.Create{Path: "/doc", Data: []byte("2")})
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestJournalMayNotBeRead: a journal whose right to be read was taken away is a refusal,
// not a conflict that is tried again.
func TestJournalMayNotBeRead(t *testing.T) {
	b := newLockBed(t)
	s := b.direct
	if err := s.SetJournal(b.ctx, "/doc", 10); err != nil {
		t.Fatal(err)
	}
	rec, err := s.Load(b.ctx, "/doc", store.Version{}, store.Linearizable)
	if err != nil {
		t.Fatal(err)
	}
	put := func(base store.Version) ([]store.Version, error) {
		return s.Commit(b.ctx, store.Put{Path: "/doc", Base: base, Data: []byte("1")}, store.Append{Path: "/doc", Data: []byte("e")})
	}
	made, err := put(rec.Version)
	if err != nil {
		t.Fatal(err)
	}
	b.plain.call(zk.SetACL{Path: "/doc/history", ACL: zk.WorldACL(zk.PermAll &^ zk.PermRead), Version: zk.AnyVersion})
	_, err = put(made[0])
	wantErr(t, err, store.ErrDenied)
	b.plain.call(zk.SetACL{Path: "/doc/history", ACL: zk.WorldACL(zk.PermAll), Version: zk.AnyVersion})
	if _, err := put(made[0]); err != nil {
		t.Error(err)
	}
}

// TestGiantDocument: another tool wrote more than the client reads. That is its own
// trouble, no other's, and it can be deleted.
func TestGiantDocument(t *testing.T) {
	t.Parallel()
	ctx, server, s, _ := onServer(t, zkserver.Config{JVMFlags: []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Djute.maxbuffer=8000000"}})
	mustCommit(t, ctx, s, store.Create{Path: "/small", Data: []byte("0")}, store.Create{Path: "/giant", Data: []byte("0")})
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{server.Addr()}, MaxRequest: 8_000_000})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	plain := &plainClient{t, ctx, client}
	plain.set("/giant/payload", strings.Repeat("x", 5_000_000))
	plain.create("/small/listeners", "", zk.Persistent)
	plain.create("/small/listeners/giant", strings.Repeat("x", 5_000_000), zk.Persistent)
	before := s.Status().Session
	stop := s.Watch("/giant", time.Hour, func() {}).Stop
	defer stop()
	var version store.Version
	for _, known := range []store.Version{{}, store.NewVersion(1, 1, 1)} {
		rec, err := s.Load(ctx, "/giant", known, store.Linearizable)
		wantErr(t, err, store.ErrTooLarge)
		if version = rec.Version; version.IsZero() || rec.Time.IsZero() {
			t.Fatalf("the record of a document that cannot be read is %+v", rec)
		}
	}
	if rec, err := s.Load(ctx, "/small", store.Version{}, store.Local); err != nil || string(rec.Data) != "0" {
		t.Error(err)
	}
	if found, err := s.Listeners(ctx, "/small"); err != nil || len(found) != 1 || !errors.Is(found[0].Err, store.ErrTooLarge) {
		t.Errorf("listeners: %+v, %v", found, err)
	}
	mustCommit(t, ctx, s, store.Delete{Path: "/giant", Base: version})
	if after := s.Status().Session; after != before {
		t.Error("the session was lost")
	}
}

// TestLoweredLimit: a server that takes less than is usual hangs up. That is its answer.
func TestLoweredLimit(t *testing.T) {
	t.Parallel()
	ctx, _, s, _ := onServer(t, zkserver.Config{JVMFlags: []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Djute.maxbuffer=200000"}})
	v := mustCommit(t, ctx, s, store.Create{Path: "/doc", Data: []byte("0")})[0]
	_, err := s.Commit(ctx, store.Put{Path: "/doc", Base: v, Data: bytes.Repeat([]byte("x"), 400_000)},
		store.Receipt{Path: "/doc", ID: "me", Data: []byte("receipt")})
	wantErr(t, err, store.ErrTooLarge)
	if !strings.Contains(err.Error(), "jute.maxbuffer") {
		t.Error(err)
	}
	mustCommit(t, ctx, s, store.Put{Path: "/doc", Base: v, Data: []byte("1")})
}

// TestUnreadableRecords: a listener record and a journal entry that this store may not
// read. The others are served.
func TestUnreadableRecords(t *testing.T) {
	b := newLockBed(t)
	v := b.load().Version
	if err := b.direct.SetJournal(b.ctx, "/doc", 10); err != nil {
		t.Fatal(err)
	}
	if err := b.direct.Announce(b.ctx, "/doc", "me", []byte("mine")); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, b.ctx, b.direct, store.Put{Path: "/doc", Base: v, Data: []byte("1")}, store.Append{Path: "/doc", Data: []byte("entry")})
	nobody := []zk.ACL{{Perms: zk.PermAll, Scheme: "digest", ID: "nobody:knows"}}
	for _, full := range []string{"/doc/listeners/closed", "/doc/history/0000000077", "/doc/write_lock"} {
		b.plain.call(zk.Create{Path: full, Data: []byte("secret"), ACL: nobody})
	}
	found, err := b.direct.Listeners(b.ctx, "/doc")
	if err != nil || len(found) != 2 || found[0].ID != "closed" || found[0].Data != nil || string(found[1].Data) != "mine" {
		t.Fatalf("%+v, %v", found, err)
	}
	wantErr(t, found[0].Err, store.ErrDenied)
	_, entries, err := b.direct.Journal(b.ctx, "/doc", 10)
	if err != nil || len(entries) != 2 || string(entries[0].Data) != "entry" || entries[1].Data != nil {
		t.Fatalf("%+v, %v", entries, err)
	}
	wantErr(t, entries[1].Err, store.ErrDenied)
	_, around, err := b.direct.JournalAround(b.ctx, "/doc", entries[0].Order)
	if err != nil || len(around) != 2 || string(around[0].Data) != "entry" || around[1].Data != nil {
		t.Fatalf("%+v, %v", around, err)
	}
	_, err = b.direct.Lock(b.ctx, "/doc", "me")
	wantErr(t, err, store.ErrDenied)
	b.plain.call(zk.SetACL{Path: "/doc/payload", ACL: nobody, Version: zk.AnyVersion})
	for _, mode := range []store.Consistency{store.Local, store.Linearizable} {
		_, err = b.faulty.Load(b.ctx, "/doc", store.Version{}, mode)
		wantErr(t, err, store.ErrDenied)
	}
}

// TestLeftoverPlace: a persistent znode at the head of the queue, which nothing removes.
// It is shown as such, and can be removed.
func TestLeftoverPlace(t *testing.T) {
	b := newLockBed(t)
	b.plain.create("/doc/write_lock", "", zk.Persistent)
	b.plain.create("/doc/write_lock/latch-0b5f-dead-", "who knows", zk.PersistentSequential)
	held := make(chan error, 1)
	go func() {
		lock, err := b.direct.Lock(b.ctx, "/doc", "me")
		if err == nil {
			err = lock.Unlock(b.ctx)
		}
		held <- err
	}()
	b.await("ours is in the queue", func() bool { return len(b.queue()) == 2 })
	places, err := b.faulty.Queue(b.ctx, "/doc")
	if err != nil || len(places) != 2 {
		t.Fatalf("%+v, %v", places, err)
	}
	if dead := places[0]; dead.ID != "0b5f-dead" || dead.Session != "" || dead.Host != "" || dead.PID != 0 || dead.Since.IsZero() {
		t.Errorf("the dead place is %+v", dead)
	}
	if ours := places[1]; ours.ID != "me" || ours.Session != b.direct.Status().Session || ours.Host == "" {
		t.Errorf("our place is %+v", ours)
	}
	if err := b.faulty.BreakLock(b.ctx, "/doc", places[0].Key); err != nil {
		t.Fatal(err)
	}
	if err := <-held; err != nil {
		t.Fatal(err)
	}
}
