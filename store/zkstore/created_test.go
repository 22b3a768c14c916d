package zkstore_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/testcert"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// secured is a server that knows its clients by certificates at one port, and by SASL at
// the other.
type secured struct {
	*testing.T
	ctx       context.Context
	server    *zkserver.Server
	authority *testcert.Authority
}

func newSecured(t *testing.T) *secured {
	authority := testcert.NewAuthority(t)
	host := authority.Issue(t, testcert.Leaf{CommonName: "server", Hosts: []string{"127.0.0.1"}})
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	return &secured{t, ctx, zkserver.StandaloneConfig(t, zkserver.Config{
		TLS:  &zkserver.TLS{KeyStore: host.Both, TrustStore: authority.File, ClientAuth: "want"},
		SASL: &zkserver.SASL{Users: map[string]string{"ops": "secret", "guest": "secret"}},
	}), authority}
}

// certified connects by a certificate of that name, and anonymous by TLS without one.
func (s *secured) certified(name string) zkstore.Config {
	cert := s.authority.Issue(s.T, testcert.Leaf{CommonName: name})
	return zkstore.Config{Servers: []string{s.server.SecureAddr()}, TLS: zkstore.TLSFiles{CA: s.authority.File, Cert: cert.Cert, Key: cert.Key}.Config}
}

func (s *secured) anonymous() zkstore.Config {
	return zkstore.Config{Servers: []string{s.server.SecureAddr()}, TLS: zkstore.TLSFiles{CA: s.authority.File}.Config}
}

func (s *secured) sasl(user string) zkstore.Config {
	return zkstore.Config{Servers: []string{s.server.Addr()}, SASL: zkstore.DigestMD5(user, "secret")}
}

// plain is another tool that shows the certificate of app.
func (s *secured) plain(t *testing.T) *plainClient {
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{s.server.SecureAddr()}, SessionTimeout: session, TLS: s.certified("app").TLS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &plainClient{t, s.ctx, client}
}

// fill makes a document with all that can be below its folder, and leaves a lock held.
func (s *secured) fill(t *testing.T, of *zkstore.Store, path string) {
	t.Helper()
	v := mustCommit(t, s.ctx, of, store.Create{Path: path, Data: []byte("0")}, store.Receipt{Path: path, ID: "me", Data: []byte("r")})[0]
	if err := of.SetJournal(s.ctx, path, 10); err != nil {
		t.Fatal(err)
	}
	if err := of.Announce(s.ctx, path, "me", []byte("r")); err != nil {
		t.Fatal(err)
	}
	if _, err := of.Lock(s.ctx, path, "me"); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, s.ctx, of, store.Put{Path: path, Base: v, Data: []byte("1")}, store.Append{Path: path, Data: []byte("e")})
}

// acls returns the ACLs of all znodes from a folder downwards, those of the folders above
// the document at "" + their path and those of the document by their names in it, numbers
// left out.
func (s *secured) acls(t *testing.T, plain *plainClient, full, document string, found map[string]string) {
	t.Helper()
	reply := plain.call(zk.GetACL{Path: full})
	acl := make(zkstore.ACL, len(reply.ACL))
	for i, e := range reply.ACL {
		acl[i] = zkstore.ACLEntry{Scheme: e.Scheme, ID: e.ID}
		for bit, wire := range []zk.Perms{zk.PermCreate, zk.PermDelete, zk.PermRead, zk.PermWrite, zk.PermAdmin} {
			if e.Perms&wire != 0 {
				acl[i].Perms |= 1 << bit
			}
		}
	}
	name := strings.TrimRight(strings.Replace(full, document, "DOC", 1), "0123456789")
	found[name] = acl.String()
	for _, child := range plain.call(zk.Children{Path: full}).Children {
		s.acls(t, plain, full+"/"+child, document, found)
	}
}

// documentNodes are the znodes of a document that fill makes, numbers left out.
var documentNodes = []string{
	"DOC", "DOC/payload", "DOC/listeners", "DOC/listeners/me", "DOC/listeners_open", "DOC/listeners_open/me",
	"DOC/write_lock", "DOC/write_lock/latch-me-", "DOC/history", "DOC/history/",
}

// TestRights: which znode gets which ACL, by what was asked for and as whom the server knows
// the connection, whatever the means.
func TestRights(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	list := zkstore.ACL{{Scheme: "x509", ID: "CN=app", Perms: zkstore.PermAll}, {Scheme: "sasl", ID: "ops", Perms: zkstore.PermRead}}
	with := func(cfg zkstore.Config, acl zkstore.ACL) zkstore.Config {
		cfg.ACL = acl
		return cfg
	}
	digest := s.certified("app")
	digest.Auth = []zkstore.Auth{{Scheme: "digest", Secret: "bob:secret"}}
	sidecar := zkstore.Config{Servers: []string{s.sidecar("app")}}
	for name, c := range map[string]struct {
		cfg             zkstore.Config
		inside, outside string
	}{
		"certificate":         {s.certified("app"), "x509:CN=app:cdrwa", "x509:CN=app:cdrwa,world:anyone:cr"},
		"sidecar":             {sidecar, "x509:CN=app:cdrwa", "x509:CN=app:cdrwa,world:anyone:cr"},
		"several identities":  {digest, "digest:bob:" + "HASH" + ":cdrwa,x509:CN=app:cdrwa", "digest:bob:" + "HASH" + ":cdrwa,x509:CN=app:cdrwa,world:anyone:cr"},
		"nobody":              {s.anonymous(), "world:anyone:cdrwa", "world:anyone:cdrwa"},
		"read":                {with(s.certified("app"), zkstore.ReadACL), "x509:CN=app:cdrwa,world:anyone:r", "x509:CN=app:cdrwa,world:anyone:cr"},
		"open by a known one": {with(s.certified("app"), zkstore.OpenACL), "world:anyone:cdrwa", "world:anyone:cdrwa"},
		"list":                {with(s.certified("app"), list), list.String(), list.String() + ",world:anyone:cr"},
	} {
		t.Run(name, func(t *testing.T) {
			chroot := "/" + strings.ReplaceAll(name, " ", "-")
			c.cfg.Chroot = chroot
			of := openWith(t, c.cfg)
			s.fill(t, of, "/team/config")
			found := make(map[string]string)
			s.acls(t, s.plain(t), chroot, chroot+"/team/config", found)
			want := map[string]string{chroot: c.outside, chroot + "/team": c.outside}
			for _, node := range documentNodes {
				want[node] = c.inside
			}
			for node, acl := range found {
				found[node] = inOrder(hideHash(acl))
			}
			for node, acl := range want {
				want[node] = inOrder(acl)
			}
			if !reflect.DeepEqual(found, want) {
				t.Errorf("%v\nwant %v", found, want)
			}
		})
	}
	t.Run("SASL", func(t *testing.T) {
		of := openWith(t, s.sasl("ops"))
		s.fill(t, of, "/sasl/doc")
		_, err := openWith(t, s.certified("app")).Load(s.ctx, "/sasl/doc", store.Version{}, store.Linearizable)
		wantErr(t, err, store.ErrDenied)
		if known, err := of.WhoAmI(s.ctx); err != nil || !slices.Contains(known, zkstore.Identity{Scheme: "sasl", ID: "ops"}) {
			t.Errorf("%v, %v", known, err)
		}
	})
	t.Run("servers that do not tell identities", func(t *testing.T) {
		known := openWith(t, zkstore.Config{FixedServers: true, Servers: []string{olderServer(t, sidecar.Servers[0], wire.OpWhoAmI)}})
		unknown := openWith(t, zkstore.Config{FixedServers: true, Servers: []string{olderServer(t, s.server.Addr(), wire.OpWhoAmI)}})
		for range 2 {
			mustCommit(t, s.ctx, known, store.Create{Path: "/older", Data: []byte("0")})
			_, err := unknown.Load(s.ctx, "/older", store.Version{}, store.Linearizable)
			wantErr(t, err, store.ErrDenied)
			rec, err := known.Load(s.ctx, "/older", store.Version{}, store.Linearizable)
			if err != nil {
				t.Fatal(err)
			}
			mustCommit(t, s.ctx, known, store.Delete{Path: "/older", Base: rec.Version})
		}
		mustCommit(t, s.ctx, unknown, store.Create{Path: "/anybodys", Data: []byte("0")})
		if _, err := known.Load(s.ctx, "/anybodys", store.Version{}, store.Linearizable); err != nil {
			t.Error(err)
		}
		if names, err := s.plain(t).try(zk.Exists{Path: "/zkstate-probe"}); err == nil {
			t.Errorf("the probe is there: %+v", names)
		}
	})
	t.Run("creator asked for by nobody", func(t *testing.T) {
		_, err := openWith(t, with(s.anonymous(), zkstore.CreatorACL)).Commit(s.ctx, store.Create{Path: "/nobodys", Data: []byte("0")})
		wantErr(t, err, store.ErrDenied)
		if !strings.Contains(err.Error(), "does not know this connection") {
			t.Error(err)
		}
	})
}

// inOrder sorts the entries of an ACL without commas in its ids.
func inOrder(acl string) string {
	entries := strings.Split(acl, ",")
	slices.Sort(entries)
	return strings.Join(entries, ",")
}

// hideHash replaces the hash of the digest identity bob.
func hideHash(acl string) string {
	before, after, found := strings.Cut(acl, "digest:bob:")
	if !found {
		return acl
	}
	return before + "digest:bob:HASH" + after[strings.IndexByte(after, ':'):]
}

// sidecar forwards plain connections to the server by TLS, with a certificate of that name.
func (s *secured) sidecar(name string) string {
	cfg, err := s.certified(name).TLS("127.0.0.1")
	if err != nil {
		s.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := tls.Dial("tcp", s.server.SecureAddr(), cfg)
			if err != nil {
				client.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
				all.Go(func() {
					io.Copy(way[1], way[0])
					way[1].Close()
				})
			}
		}
	})
	s.Cleanup(func() {
		listener.Close()
		all.Wait()
	})
	return listener.Addr().String()
}

// TestIdentitiesShareADocument: an application that is known by its certificate and one
// that is known by SASL share a document whose ACL admits both; a third may only read it.
func TestIdentitiesShareADocument(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	const cdrw = zkstore.PermAll &^ zkstore.PermAdmin
	acl := zkstore.ACL{{Scheme: "x509", ID: "CN=app", Perms: zkstore.PermAll}, {Scheme: "sasl", ID: "ops", Perms: cdrw}, {Scheme: "sasl", ID: "guest", Perms: zkstore.PermRead}}
	opened := func(cfg zkstore.Config) *zkstore.Store {
		cfg.ACL = acl
		return openWith(t, cfg)
	}
	app, ops, guest := opened(s.certified("app")), opened(s.sasl("ops")), opened(s.sasl("guest"))
	put := func(by *zkstore.Store, id string) {
		t.Helper()
		rec, err := by.Load(s.ctx, "/doc", store.Version{}, store.Linearizable)
		if err != nil {
			t.Fatal(err)
		}
		lock, err := by.Lock(s.ctx, "/doc", id)
		if err != nil {
			t.Fatal(err)
		}
		mustCommit(t, s.ctx, by, store.Put{Path: "/doc", Base: rec.Version, Data: []byte(fmt.Sprintf("%q", id))}, store.Append{Path: "/doc", Data: []byte(id)},
			store.Receipt{Path: "/doc", ID: id, Data: []byte(id)}, store.Await{Path: "/doc"}, store.Release{Lock: lock})
	}
	mustCommit(t, s.ctx, app, store.Create{Path: "/doc", Data: []byte("0")})
	if err := app.SetJournal(s.ctx, "/doc", 2); err != nil {
		t.Fatal(err)
	}
	for range 2 { // from the third entry on each removes the other's oldest
		put(app, "app")
		put(ops, "ops")
	}
	for name, by := range map[string]*zkstore.Store{"app": app, "ops": ops, "guest": guest} {
		rec, err := by.Load(s.ctx, "/doc", store.Version{}, store.Linearizable)
		if err != nil || string(rec.Data) != `"ops"` {
			t.Errorf("%s reads %s, %v", name, rec.Data, err)
		}
		listeners, err := by.Listeners(s.ctx, "/doc")
		if err != nil || len(listeners) != 2 || string(listeners[0].Data) != "app" || string(listeners[1].Data) != "ops" {
			t.Errorf("%s sees the listeners %+v, %v", name, listeners, err)
		}
		if absent, err := by.Absent(s.ctx, "/doc", nil); err != nil || len(absent) != 2 || absent[0].Data == nil || absent[1].Data == nil {
			t.Errorf("%s sees the roster %+v, %v", name, absent, err)
		}
		if _, entries, err := by.Journal(s.ctx, "/doc", 10); err != nil || len(entries) != 2 || string(entries[0].Data) != "app" || string(entries[1].Data) != "ops" {
			t.Errorf("%s sees the journal %+v, %v", name, entries, err)
		}
	}
	_, err := guest.Commit(s.ctx, store.Put{Path: "/doc", Base: loadedBy(t, s.ctx, guest), Data: []byte("1")}, store.Append{Path: "/doc", Data: []byte("e")})
	wantErr(t, err, store.ErrDenied)
	wantErr(t, guest.Announce(s.ctx, "/doc", "guest", []byte("x")), store.ErrDenied)
	_, err = guest.Lock(s.ctx, "/doc", "guest")
	wantErr(t, err, store.ErrDenied)

	// One waits for the other's lock, and gets it.
	held, err := app.Lock(s.ctx, "/doc", "app")
	if err != nil {
		t.Fatal(err)
	}
	queued := make(chan error, 1)
	go func() {
		lock, err := ops.Lock(s.ctx, "/doc", "ops")
		if err == nil {
			err = lock.Unlock(s.ctx)
		}
		queued <- err
	}()
	eventually(t, "two are in the queue", func() bool {
		places, err := guest.Queue(s.ctx, "/doc")
		return err == nil && len(places) == 2
	})
	if err := held.Unlock(s.ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-queued; err != nil {
		t.Fatal(err)
	}

	// A third identity has its own document beside, in the folder that app made.
	mustCommit(t, s.ctx, app, store.Create{Path: "/shared/apps", Data: []byte("0")})
	own := openWith(t, s.sasl("guest"))
	v := mustCommit(t, s.ctx, own, store.Create{Path: "/shared/guests", Data: []byte("0")})[0]
	_, err = app.Load(s.ctx, "/shared/guests", store.Version{}, store.Linearizable)
	wantErr(t, err, store.ErrDenied)
	mustCommit(t, s.ctx, own, store.Delete{Path: "/shared/guests", Base: v})
}

func loadedBy(t *testing.T, ctx context.Context, s *zkstore.Store) store.Version {
	t.Helper()
	rec, err := s.Load(ctx, "/doc", store.Version{}, store.Linearizable)
	if err != nil {
		t.Fatal(err)
	}
	return rec.Version
}

// eventually polls a condition that nothing announces.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
