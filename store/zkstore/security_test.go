package zkstore_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/testcert"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

func openWith(t *testing.T, cfg zkstore.Config) *zkstore.Store {
	t.Helper()
	cfg.SessionTimeout = session
	s, err := zkstore.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// briefly gives a call two seconds.
func briefly(t *testing.T, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	return call(ctx)
}

// TestCreatorOnly: what an application that is known by SASL or by its certificate makes
// belongs to it alone, and a server that wants to know who asks says so.
func TestCreatorOnly(t *testing.T) {
	t.Parallel()
	authority := testcert.NewAuthority(t)
	host := authority.Issue(t, testcert.Leaf{CommonName: "server", Hosts: []string{"127.0.0.1"}})
	app := authority.Issue(t, testcert.Leaf{CommonName: "app"})
	server := zkserver.StandaloneConfig(t, zkserver.Config{
		TLS:  &zkserver.TLS{KeyStore: host.Both, TrustStore: authority.File, ClientAuth: "want"},
		SASL: &zkserver.SASL{Users: map[string]string{"app": "secret"}},
	})
	stranger := openWith(t, zkstore.Config{Servers: []string{server.Addr()}})
	known := map[string]zkstore.Config{
		"/sasl": {Servers: []string{server.Addr()}, SASL: zkstore.DigestMD5("app", "secret")},
		"/mtls": {Servers: []string{server.SecureAddr()}, TLS: zkstore.TLSFiles{CA: authority.File, Cert: app.Cert, Key: app.Key}.Config},
	}
	for path, cfg := range known {
		s := openWith(t, cfg)
		v := mustCommit(t, t.Context(), s, store.Create{Path: path, Data: []byte("0")}, store.Receipt{Path: path, ID: "me", Data: []byte("r")})[0]
		lock, err := s.Lock(t.Context(), path, "me")
		if err != nil {
			t.Fatal(err)
		}
		mustCommit(t, t.Context(), s, store.Put{Path: path, Base: v, Data: []byte("1")}, store.Release{Lock: lock})
		if again := openWith(t, cfg); err == nil {
			if _, err := again.Load(t.Context(), path, store.Version{}, store.Linearizable); err != nil {
				t.Error(path, err)
			}
		}
		_, err = stranger.Load(t.Context(), path, store.Version{}, store.Linearizable)
		wantErr(t, err, store.ErrDenied)
	}
	open := openWith(t, zkstore.Config{Servers: []string{server.SecureAddr()}, TLS: zkstore.TLSFiles{CA: authority.File}.Config})
	mustCommit(t, t.Context(), open, store.Create{Path: "/open", Data: []byte("0")})
	if _, err := stranger.Load(t.Context(), "/open", store.Version{}, store.Linearizable); err != nil {
		t.Error(err)
	}
}

// TestWhyNoAnswer: who waits in vain is told why.
func TestWhyNoAnswer(t *testing.T) {
	t.Parallel()
	authority, other := testcert.NewAuthority(t), testcert.NewAuthority(t)
	host := authority.Issue(t, testcert.Leaf{CommonName: "server", Hosts: []string{"127.0.0.1"}})
	server := zkserver.StandaloneConfig(t, zkserver.Config{
		TLS:  &zkserver.TLS{KeyStore: host.Both, TrustStore: authority.File, ClientAuth: "none"},
		SASL: &zkserver.SASL{Users: map[string]string{"app": "secret"}, Required: true},
	})
	down, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := down.Addr().String()
	down.Close()
	for name, c := range map[string]struct {
		cfg  zkstore.Config
		is   error
		says string
	}{
		"refused port":    {zkstore.Config{Servers: []string{refusing}}, context.DeadlineExceeded, "refused"},
		"name":            {zkstore.Config{Servers: []string{"no-such-host.invalid"}}, context.DeadlineExceeded, "no-such-host.invalid"},
		"TLS on plain":    {zkstore.Config{Servers: []string{server.Addr()}, TLS: zkstore.TLSFiles{CA: authority.File}.Config}, context.DeadlineExceeded, server.Addr()},
		"plain on TLS":    {zkstore.Config{Servers: []string{server.SecureAddr()}}, context.DeadlineExceeded, server.SecureAddr()},
		"wrong authority": {zkstore.Config{Servers: []string{server.SecureAddr()}, TLS: zkstore.TLSFiles{CA: other.File}.Config}, context.DeadlineExceeded, "certificate"},
		"wrong password":  {zkstore.Config{Servers: []string{server.Addr()}, SASL: zkstore.DigestMD5("app", "wrong")}, store.ErrDenied, "SASL"},
		"SASL required":   {zkstore.Config{Servers: []string{server.Addr()}}, store.ErrAuthRequired, "SASL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openWith(t, c.cfg)
			err := briefly(t, func(ctx context.Context) error {
				_, err := s.Load(ctx, "/doc", store.Version{}, store.Linearizable)
				for errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
					_, err = s.Load(ctx, "/doc", store.Version{}, store.Linearizable)
				}
				return err
			})
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want one that matches %v and says %q", err, c.is, c.says)
			}
			if strings.Contains(err.Error(), "wrong password") || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error has a secret: %v", err)
			}
		})
	}
}
