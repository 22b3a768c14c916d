package zk_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/netfault"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// withSASL starts a server that has these users, and a faulty network before it.
func withSASL(t *testing.T, sasl *zkserver.SASL) (*zkserver.Server, *netfault.Proxy) {
	t.Helper()
	server := zkserver.StandaloneConfig(t, zkserver.Config{SASL: sasl})
	return server, proxy(t, server.Addr())
}

// wantNothingAsked fails if something went out that is neither of the session nor of its authentication.
func wantNothingAsked(t *testing.T, p *netfault.Proxy) {
	t.Helper()
	for _, op := range []wire.Opcode{wire.OpGetData, wire.OpSetData, wire.OpExists, wire.OpWhoAmI} {
		if n := p.Requests(op); n > 0 {
			t.Errorf("%v was asked for %d times", op, n)
		}
	}
}

// TestSASL: users with all kinds of passwords are known to the server, over reconnects too.
func TestSASL(t *testing.T) {
	users := map[string]string{"bob": "secret", "quoting": `p:w"\,=`, "latin": "pässwört", "wide": "密码"}
	_, net := withSASL(t, &zkserver.SASL{Users: users, Required: true})
	for user, password := range users {
		t.Run(user, func(t *testing.T) {
			told := newEvents(t)
			client, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}, SASL: zk.DigestMD5(user, password), OnEvent: told.add})
			defer client.Close()
			me := zk.Identity{Scheme: "sasl", User: user}
			for range 2 {
				told.next(zk.Connected)
				if who := must(t, s, zk.WhoAmI{}).Identities; !slices.Contains(who, me) {
					t.Errorf("the server knows the client as %v", who)
				}
				must(t, s, zk.Create{Path: "/" + user, ACL: zk.CreatorACL(zk.PermAll), Mode: zk.EphemeralSequential})
				net.Cut()
				told.next(zk.Disconnected)
			}
		})
	}
}

func TestSASLFailsClosed(t *testing.T) {
	_, required := withSASL(t, &zkserver.SASL{Users: map[string]string{"bob": "secret"}, Required: true})
	_, optional := withSASL(t, &zkserver.SASL{Users: map[string]string{"bob": "secret"}})
	_, without := proxied(t)
	for name, test := range map[string]struct {
		net  *netfault.Proxy
		sasl func(string) (zk.Mechanism, error)
		why  string
	}{
		"wrong password":           {optional, zk.DigestMD5("bob", "wrong"), "authentication failed (-115)"},
		"wrong password, required": {required, zk.DigestMD5("bob", "wrong"), "authentication is required, by SASL"},
		// ZooKeeper 3.8.0 takes any name with the password of the user before, so it must be another one.
		"unknown user":        {optional, zk.DigestMD5("eve", "other"), "authentication failed (-115)"},
		"server without SASL": {without, zk.DigestMD5("bob", "secret"), "it has no SASL"},
	} {
		t.Run(name, func(t *testing.T) {
			told := newEvents(t)
			wantNoSession(t, zk.Config{Servers: zk.Hosts{test.net.Addr()}, SASL: test.sasl, OnEvent: told.add}, test.why)
			if e := told.next(zk.AuthFailed); e.Err == nil {
				t.Error("an event without a reason")
			}
			wantNothingAsked(t, test.net)
		})
	}
	wantNoSession(t, zk.Config{Servers: zk.Hosts{optional.Addr()}, SASL: zk.DigestMD5("", "")}, "the user is empty")
	wantNothingAsked(t, optional)
}

// TestRefusedAuthIsToldAtOnce: who asks for a session need not wait until ctx ends, and gets one once the server has
// the password too.
func TestRefusedAuthIsToldAtOnce(t *testing.T) {
	_, net := withSASL(t, &zkserver.SASL{Users: map[string]string{"bob": "secret"}})
	var password atomic.Value
	password.Store("wrong")
	connected := make(chan struct{}, 1)
	client := start(t, zk.Config{
		Servers: zk.Hosts{hung(t), net.Addr()}, SessionTimeout: 2 * time.Second,
		OnEvent: func(e zk.Event) {
			if e.Kind == zk.Connected {
				connected <- struct{}{}
			}
		},
		SASL: func(host string) (zk.Mechanism, error) { return zk.DigestMD5("bob", password.Load().(string))(host) },
	})
	for range 2 {
		_, err := client.Session(context.Background())
		wantOutcome(t, err, zk.NotSent, zk.ErrAuthRefused)
		wantCause(t, err, zk.ErrAuthFailed)
	}
	password.Store("secret")
	select {
	case <-connected:
	case <-testContext(t).Done():
		t.Fatal(client.Err())
	}
	s, err := client.Session(testContext(t))
	for errors.Is(err, zk.ErrAuthRefused) { // the event comes a moment before the session
		s, err = client.Session(testContext(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	must(t, s, zk.Get{Path: "/"})
}

// TestSASLRequired: a client that shows nothing hears what the server says.
func TestSASLRequired(t *testing.T) {
	_, net := withSASL(t, &zkserver.SASL{Users: map[string]string{"bob": "secret"}, Required: true})
	_, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}})
	_, err := s.Call(testContext(t), zk.Create{Path: "/a", ACL: open})
	wantRefused(t, err, zk.ErrSASLRequired)
}

// TestSASLFailsLater: while the password is wrong, nothing of a session that was let in before goes out.
func TestSASLFailsLater(t *testing.T) {
	_, net := withSASL(t, &zkserver.SASL{Users: map[string]string{"bob": "secret"}})
	var password atomic.Value
	password.Store("secret")
	told := newEvents(t)
	_, s := connect(t, zk.Config{
		Servers: zk.Hosts{net.Addr()}, SessionTimeout: 10 * time.Second, OnEvent: told.add,
		SASL: func(host string) (zk.Mechanism, error) { return zk.DigestMD5("bob", password.Load().(string))(host) },
	})
	told.next(zk.Connected)
	must(t, s, zk.Create{Path: "/a", ACL: zk.CreatorACL(zk.PermAll), Mode: zk.Ephemeral})
	password.Store("changed")
	net.Cut()
	told.next(zk.Disconnected)
	told.next(zk.AuthFailed)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := s.Call(ctx, zk.Set{Path: "/a", Version: zk.AnyVersion})
	wantOutcome(t, err, zk.NotSent, context.DeadlineExceeded)
	wantNothingAsked(t, net)
	password.Store("secret")
	if stat := must(t, s, zk.Exists{Path: "/a"}).Stat; stat.EphemeralOwner != s.ID() || stat.Version != 0 {
		t.Errorf("the node is %+v, the session %#x", stat, s.ID())
	}
}

// TestDigestAuth: what is shown holds over reconnects, and gives rights that others have not.
func TestDigestAuth(t *testing.T) {
	server, net := proxied(t)
	told := newEvents(t)
	cfg := zk.Config{
		Servers: zk.Hosts{net.Addr()}, OnEvent: told.add,
		Auth: []zk.Auth{{Scheme: "digest", Credentials: []byte("user:secret")}, {Scheme: "digest", Credentials: []byte("other:secret")}},
	}
	_, s := connect(t, cfg)
	told.next(zk.Connected)
	must(t, s, zk.Create{Path: "/mine", ACL: zk.CreatorACL(zk.PermAll)})
	net.Cut()
	told.next(zk.Disconnected)
	must(t, s, zk.Get{Path: "/mine"})
	for _, user := range []string{"user", "other"} {
		if who := must(t, s, zk.WhoAmI{}).Identities; !slices.Contains(who, zk.Identity{Scheme: "digest", User: user}) {
			t.Errorf("the server knows the client as %v", who)
		}
	}
	_, stranger := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}})
	_, err := stranger.Call(testContext(t), zk.Get{Path: "/mine"})
	wantRefused(t, err, zk.ErrNoAuth)
	_, err = stranger.Call(testContext(t), zk.Create{Path: "/its", ACL: zk.CreatorACL(zk.PermAll)})
	wantRefused(t, err, zk.ErrInvalidACL)
}

// TestAuthFailsClosed: where a server refuses one of several, none is used.
func TestAuthFailsClosed(t *testing.T) {
	_, net := proxied(t)
	told := newEvents(t)
	wantNoSession(t, zk.Config{
		Servers: zk.Hosts{net.Addr()}, OnEvent: told.add,
		Auth: []zk.Auth{{Scheme: "digest", Credentials: []byte("user:secret")}, {Scheme: "nonsense", Credentials: []byte("x")}},
	}, "scheme nonsense: authentication failed (-115)")
	told.next(zk.AuthFailed)
	wantNothingAsked(t, net)
}

// TestReadOnlyServer: one that serves reads only, because it has lost its majority, is not used.
func TestReadOnlyServer(t *testing.T) {
	ensemble := zkserver.EnsembleConfig(t, 3, zkserver.Config{JVMFlags: []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dreadonlymode.enabled=true"}})
	last := ensemble.Servers[2]
	_, s := connect(t, zk.Config{Servers: zk.Hosts{last.Addr()}})
	must(t, s, zk.Get{Path: "/"})
	ensemble.Servers[0].Stop()
	ensemble.Servers[1].Stop()
	for ctx := testContext(t); last.Role() != zkserver.ReadOnly; { // nothing announces it
		if ctx.Err() != nil {
			t.Fatalf("the server is %q", last.Role())
		}
	}
	wantNoSession(t, zk.Config{Servers: zk.Hosts{last.Addr()}}, "be read-only")
}
