package zkstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/testcert"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/zkstore"
)

// inspect returns the facts by their names, and the names of the checks that found something.
func inspect(t *testing.T, s *zkstore.Store, path string) (facts map[string]string, checks []string) {
	t.Helper()
	found, err := s.Inspect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	facts = make(map[string]string)
	for _, fact := range found.Facts {
		facts[fact.Name] = fact.Value
	}
	for _, f := range found.Findings {
		checks = append(checks, f.Check)
	}
	return facts, checks
}

// TestInspectSaysWho: by each means of authentication, and what an unauthenticated handle
// finds that may read.
func TestInspectSaysWho(t *testing.T) {
	t.Parallel()
	authority := testcert.NewAuthority(t)
	host := authority.Issue(t, testcert.Leaf{CommonName: "server", Hosts: []string{"127.0.0.1"}})
	app := authority.Issue(t, testcert.Leaf{CommonName: "app"})
	server := zkserver.StandaloneConfig(t, zkserver.Config{
		TLS:  &zkserver.TLS{KeyStore: host.Both, TrustStore: authority.File, ClientAuth: "want"},
		SASL: &zkserver.SASL{Users: map[string]string{"app": "secret"}},
	})
	for path, c := range map[string]struct {
		cfg  zkstore.Config
		want string
	}{
		"/sasl":   {zkstore.Config{Servers: []string{server.Addr()}, SASL: zkstore.DigestMD5("app", "secret")}, "sasl:app"},
		"/mtls":   {zkstore.Config{Servers: []string{server.SecureAddr()}, TLS: zkstore.TLSFiles{CA: authority.File, Cert: app.Cert, Key: app.Key}.Config}, "x509:CN=app"},
		"/digest": {zkstore.Config{Servers: []string{server.Addr()}, Auth: []zkstore.Auth{{Scheme: "digest", Secret: "app:secret"}}}, "digest:app"},
	} {
		s := openWith(t, c.cfg)
		mustCommit(t, t.Context(), s, store.Create{Path: path, Data: []byte("0")}, store.Receipt{Path: path, ID: "me", Data: []byte("r")})
		facts, checks := inspect(t, s, path)
		if !strings.Contains(facts["identity"], c.want) || len(checks) != 0 || facts["role"] != "standalone" || facts["version"] == "" {
			t.Errorf("%s: %v, %v", path, facts, checks)
		}
		stranger := openWith(t, zkstore.Config{Servers: []string{server.Addr()}})
		facts, checks = inspect(t, stranger, path)
		if !strings.Contains(facts["identity"], "not authenticated") || !strings.Contains(strings.Join(checks, " "), "unreadable") {
			t.Errorf("%s for a stranger: %v, %v", path, facts, checks)
		}
	}
}

// TestInspectOnAnOlderServer: one that does not know whoAmI.
func TestInspectOnAnOlderServer(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	s := openWith(t, zkstore.Config{FixedServers: true, Servers: []string{olderServer(t, server.Addr(), wire.OpWhoAmI)}})
	mustCommit(t, t.Context(), s, store.Create{Path: "/doc", Data: []byte("0")})
	facts, checks := inspect(t, s, "/doc")
	if !strings.HasPrefix(facts["identity"], "not known") || strings.Join(checks, " ") != "open" {
		t.Errorf("%v, %v", facts, checks)
	}
}

func TestInspectFails(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	s := openWith(t, zkstore.Config{Servers: []string{server.Addr()}})
	_, err := s.Inspect(t.Context(), "no/path")
	wantErr(t, err, store.ErrInvalidPath)
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Inspect(ctx, "/doc"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	server.Resume()
	s.Close()
	_, err = s.Inspect(t.Context(), "/doc")
	wantErr(t, err, store.ErrClosed)
}
