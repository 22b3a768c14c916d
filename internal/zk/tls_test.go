package zk_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/testcert"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// secured starts a server that wants clients' certificates.
func secured(t *testing.T, ca *testcert.Authority, leaf testcert.Leaf) *zkserver.Server {
	t.Helper()
	files := ca.Issue(t, leaf)
	return zkserver.StandaloneConfig(t, zkserver.Config{TLS: &zkserver.TLS{KeyStore: files.Both, TrustStore: ca.File}})
}

func files(ca *testcert.Authority, client testcert.Files) zk.TLSFiles {
	return zk.TLSFiles{CA: ca.File, Cert: client.Cert, Key: client.Key}
}

// logged calls done when a line of a log has the text.
type logged struct {
	text string
	done func()
}

func (l logged) Write(line []byte) (int, error) {
	if strings.Contains(string(line), l.text) {
		l.done()
	}
	return len(line), nil
}

// wantNoSession fails unless the client cannot do anything, and says why.
func wantNoSession(t *testing.T, cfg zk.Config, why string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg.Logger = slog.New(slog.NewTextHandler(logged{why, cancel}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := start(t, cfg)
	defer client.Close()
	_, err := client.Session(ctx)
	wantOutcome(t, err, zk.NotSent, zk.ErrUnreachable)
	if err == nil || !strings.Contains(err.Error(), why) || ctx.Err() == context.DeadlineExceeded {
		t.Errorf("%v; want %q", err, why)
	}
}

func TestTLS(t *testing.T) {
	ca, other := testcert.NewAuthority(t), testcert.NewAuthority(t)
	server := secured(t, ca, testcert.Leaf{Hosts: []string{"zk1.example", "127.0.0.1"}})
	_, port, _ := strings.Cut(server.SecureAddr(), ":")
	good := ca.Issue(t, testcert.Leaf{CommonName: "good"})
	dns := zone{addrs: map[string][]string{"zk1.example": {"127.0.0.1"}, "zk2.example": {"127.0.0.1"}}}

	for name, hosts := range map[string]zk.Hosts{"by address": {server.SecureAddr()}, "by name": {"zk1.example:" + port}} {
		client, s := connect(t, zk.Config{Servers: hosts, Resolver: dns, TLS: files(ca, good).Config})
		if who := must(t, s, zk.WhoAmI{}).Identities; !slices.Contains(who, zk.Identity{Scheme: "x509", User: "CN=good"}) {
			t.Errorf("%s: the server knows the client as %v", name, who)
		}
		client.Close()
	}

	expired := ca.Issue(t, testcert.Leaf{CommonName: "expired", Expired: true})
	foreign := other.Issue(t, testcert.Leaf{CommonName: "good"})
	for name, test := range map[string]struct {
		server string
		files  *zk.TLSFiles
		why    string
	}{
		"wrong name":          {"zk2.example:" + port, &zk.TLSFiles{CA: ca.File, Cert: good.Cert, Key: good.Key}, "not zk2.example"},
		"unknown authority":   {server.SecureAddr(), &zk.TLSFiles{CA: other.File, Cert: good.Cert, Key: good.Key}, "unknown authority"},
		"no certificate":      {server.SecureAddr(), &zk.TLSFiles{CA: ca.File}, "remote error: tls: "},
		"expired certificate": {server.SecureAddr(), &zk.TLSFiles{CA: ca.File, Cert: expired.Cert, Key: expired.Key}, "remote error: tls: "},
		"foreign certificate": {server.SecureAddr(), &zk.TLSFiles{CA: ca.File, Cert: foreign.Cert, Key: foreign.Key}, "remote error: tls: "},
		"absent file":         {server.SecureAddr(), &zk.TLSFiles{CA: filepath.Join(t.TempDir(), "absent.pem")}, "absent.pem"},
		"plain port":          {server.Addr(), &zk.TLSFiles{CA: ca.File}, "TLS: "},
		"plain client":        {server.SecureAddr(), nil, "expect TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := zk.Config{Servers: zk.Hosts{test.server}, Resolver: dns, SessionTimeout: 2 * time.Second}
			if test.files != nil {
				cfg.TLS = test.files.Config
			}
			wantNoSession(t, cfg, test.why)
		})
	}
}

func TestServerWithExpiredCertificate(t *testing.T) {
	ca := testcert.NewAuthority(t)
	server := secured(t, ca, testcert.Leaf{Hosts: []string{"127.0.0.1"}, Expired: true})
	client := ca.Issue(t, testcert.Leaf{CommonName: "client"})
	wantNoSession(t, zk.Config{Servers: zk.Hosts{server.SecureAddr()}, TLS: files(ca, client).Config}, "expired")
}

// TestCertificateIsReloaded: a renewed certificate is shown on the next connection of the same session; while it
// is a bad one, nothing is sent.
func TestCertificateIsReloaded(t *testing.T) {
	ca := testcert.NewAuthority(t)
	server := secured(t, ca, testcert.Leaf{Hosts: []string{"127.0.0.1"}})
	net := proxy(t, server.SecureAddr())
	cert := ca.Issue(t, testcert.Leaf{CommonName: "before"})
	told := newEvents(t)
	client, s := connect(t, zk.Config{Servers: zk.Hosts{net.Addr()}, TLS: files(ca, cert).Config, SessionTimeout: 10 * time.Second, OnEvent: told.add})
	told.next(zk.Connected)
	created := must(t, s, zk.Create{Path: "/mine", ACL: zk.CreatorACL(zk.PermAll), Mode: zk.Ephemeral})

	ca.Reissue(t, testcert.Leaf{CommonName: "renewed"}, cert)
	net.Cut()
	told.next(zk.Disconnected)
	reply := must(t, s, zk.WhoAmI{})
	if !slices.Contains(reply.Identities, zk.Identity{Scheme: "x509", User: "CN=renewed"}) || reply.Conn == created.Conn {
		t.Errorf("after renewal the server knows %v, connection %d", reply.Identities, reply.Conn)
	}
	_, err := s.Call(testContext(t), zk.Get{Path: "/mine"}) // it was given to the name before
	wantRefused(t, err, zk.ErrNoAuth)

	ca.Reissue(t, testcert.Leaf{CommonName: "before", Expired: true}, cert)
	told.next(zk.Connected)
	net.Cut()
	told.next(zk.Disconnected)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = s.Call(ctx, zk.Set{Path: "/mine", Version: zk.AnyVersion})
	wantOutcome(t, err, zk.NotSent, context.DeadlineExceeded)
	if reason := client.Err(); reason == nil || !strings.Contains(reason.Error(), "remote error: tls: ") {
		t.Errorf("with an expired certificate: %v", reason)
	}

	ca.Reissue(t, testcert.Leaf{CommonName: "before"}, cert)
	if stat := must(t, s, zk.Exists{Path: "/mine"}).Stat; stat.EphemeralOwner != s.ID() || stat.Version != 0 {
		t.Errorf("the node is %+v, the session %#x", stat, s.ID())
	}
}

// TestCloseOfTLSIsBounded: where a server stops reading, TLS's farewell does not hold Close up.
func TestCloseOfTLSIsBounded(t *testing.T) {
	ca := testcert.NewAuthority(t)
	cert := ca.Issue(t, testcert.Leaf{Hosts: []string{"fake"}})
	pair, err := tls.LoadX509KeyPair(cert.Cert, cert.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := func(p *peer) {
		secured := tls.Server(p.conn, &tls.Config{Certificates: []tls.Certificate{pair}})
		q := &peer{t: p.t, conn: secured, in: bufio.NewReader(secured)}
		q.accept()
		q.next() // the request to close the session
		time.Sleep(time.Hour)
	}
	cfg := zk.Config{TLS: func(string) (*tls.Config, error) {
		return &tls.Config{InsecureSkipVerify: true}, nil // certificates have their own time
	}}
	bubble(t, server, cfg, func(t *testing.T, _ *fake, client *zk.Client) {
		session(t, client)
		begun := time.Now()
		client.Close()
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("Close took %v", took)
		}
	})
}
