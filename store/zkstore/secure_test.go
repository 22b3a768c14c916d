package zkstore_test

import (
	"context"
	"crypto/tls"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/testcert"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// openWith opens a store, which ends with the test.
func openWith(t *testing.T, cfg zkstore.Config) *zkstore.Store {
	t.Helper()
	cfg.SessionTimeout = session
	s, err := zkstore.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestWhoIsKnownOwnsWhatItCreates: whether by a certificate, SASL or digest, others may neither read nor write it.
func TestWhoIsKnownOwnsWhatItCreates(t *testing.T) {
	ca := testcert.NewAuthority(t)
	cert := ca.Issue(t, testcert.Leaf{CommonName: "me"})
	server := zkserver.StandaloneConfig(t, zkserver.Config{
		TLS:  &zkserver.TLS{KeyStore: ca.Issue(t, testcert.Leaf{Hosts: []string{"127.0.0.1"}}).Both, TrustStore: ca.File},
		SASL: &zkserver.SASL{Users: map[string]string{"bob": "secret"}},
	})
	plain := openWith(t, zkstore.Config{Servers: []string{server.Addr()}})
	looking := newPlainClient(t, t.Context(), server.Addr())
	for name, test := range map[string]struct {
		cfg  zkstore.Config
		want zk.ACL
	}{
		"tls": {zkstore.Config{
			Servers: []string{server.SecureAddr()},
			TLS:     zkstore.TLSFiles{CA: ca.File, Cert: cert.Cert, Key: cert.Key}.Config,
		}, zk.ACL{Perms: zk.PermAll, Scheme: "x509", ID: "CN=me"}},
		"sasl": {zkstore.Config{
			Servers: []string{server.Addr()},
			SASL:    zkstore.DigestMD5("bob", "secret"),
		}, zk.ACL{Perms: zk.PermAll, Scheme: "sasl", ID: "bob"}},
	} {
		t.Run(name, func(t *testing.T) {
			mine := openWith(t, test.cfg)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			path := "/" + name
			versions, err := mine.Commit(ctx, store.Create{Path: path, Data: []byte(`{}`)})
			if err != nil {
				t.Fatal(err)
			}
			acl, err := looking.try(zk.GetACL{Path: path + "/payload"})
			if err == nil && !slices.Contains(acl.ACL, test.want) || err != nil && !errors.Is(err, zk.ErrNoAuth) {
				t.Errorf("the ACL is %v, %v", acl.ACL, err)
			}
			if _, err := plain.Load(ctx, path, store.Version{}, store.Local); !errors.Is(err, store.ErrDenied) {
				t.Errorf("a stranger reads: %v", err)
			}
			if _, err := plain.Commit(ctx, store.Put{Path: path, Data: []byte(`1`), Base: versions[0]}); !errors.Is(err, store.ErrDenied) {
				t.Errorf("a stranger writes: %v", err)
			}
			if record, err := mine.Load(ctx, path, store.Version{}, store.Linearizable); err != nil || string(record.Data) != `{}` {
				t.Errorf("it reads %q, %v", record.Data, err)
			}
		})
	}
}

// TestRefusedCredentials: the calls fail at once with the server's words, and nothing is created.
func TestRefusedCredentials(t *testing.T) {
	server := zkserver.StandaloneConfig(t, zkserver.Config{SASL: &zkserver.SASL{Users: map[string]string{"bob": "secret"}}})
	wrong := openWith(t, zkstore.Config{Servers: []string{server.Addr()}, SASL: zkstore.DigestMD5("bob", "wrong")})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := wrong.Commit(ctx, store.Create{Path: "/doc", Data: []byte(`{}`)})
	if !errors.Is(err, store.ErrDenied) || ctx.Err() != nil || !strings.Contains(err.Error(), "authentication failed (-115)") {
		t.Errorf("%v", err)
	}
	looking := newPlainClient(t, t.Context(), server.Addr())
	if _, err := looking.try(zk.Exists{Path: "/doc"}); !errors.Is(err, zk.ErrNoNode) {
		t.Errorf("created all the same: %v", err)
	}
}

func TestConfigRefuses(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.pem")
	for want, cfg := range map[string]zkstore.Config{
		"no servers":        {},
		"leave one of them": {Servers: []string{"h"}, SRV: "example.com"},
		"field of its own":  {Servers: []string{"h1,h2/a"}},
		"field of its  own": {SRV: "example.com/a"},
		"must be one name":  {SRV: "h1,h2"},
		absent:              {Servers: []string{"h"}, TLS: zkstore.TLSFiles{CA: absent}.Config},
		"not today":         {Servers: []string{"h"}, TLS: func(string) (*tls.Config, error) { return nil, errors.New("not today") }},
	} {
		s, err := zkstore.Open(cfg)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(want, "  ", " ")) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
