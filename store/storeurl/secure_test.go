package storeurl_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/testcert"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

// use opens a store and creates a document in it.
func use(t *testing.T, url, path string, opts ...storeurl.Option) error {
	t.Helper()
	s, err := storeurl.Open(t.Context(), url, opts...)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = s.Commit(ctx, store.Create{Path: path, Data: []byte(`{}`)})
	return err
}

func TestSecuredServer(t *testing.T) {
	ca := testcert.NewAuthority(t)
	cert := ca.Issue(t, testcert.Leaf{CommonName: "client"})
	server := zkserver.StandaloneConfig(t, zkserver.Config{
		TLS:  &zkserver.TLS{KeyStore: ca.Issue(t, testcert.Leaf{Hosts: []string{"zk.example"}}).Both, TrustStore: ca.File},
		SASL: &zkserver.SASL{Users: map[string]string{"bob": "se:cret"}},
	})
	files := fmt.Sprintf("cacert=%s&cert=%s&key=%s", ca.File, cert.Cert, cert.Key)
	if err := use(t, "zks://"+server.SecureAddr()+"/app?"+files+"&servername=zk.example&session=4s", "/tls"); err != nil {
		t.Error(err)
	}
	secrets := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(secrets, []byte("sasl:bob:se:cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(storeurl.AuthFile, secrets)
	if err := use(t, "zk://"+server.Addr(), "/sasl", storeurl.Environment()); err != nil {
		t.Error(err)
	}
	t.Setenv(storeurl.AuthFile, "")
	t.Setenv(storeurl.AuthVariable, "sasl:bob:hidden")
	err := use(t, "zk://"+server.Addr(), "/refused", storeurl.Environment())
	if !errors.Is(err, store.ErrDenied) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("with a wrong password: %v", err)
	}
	t.Setenv(storeurl.AuthFile, secrets)
	if err := use(t, "zk://"+server.Addr(), "/two", storeurl.Environment()); !errors.Is(err, storeurl.ErrAuth) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("with two users: %v", err)
	}
}

func TestSecureURLs(t *testing.T) {
	ca := testcert.NewAuthority(t)
	absent := filepath.Join(t.TempDir(), "absent.pem")
	for url, want := range map[string]string{
		"zks://h:2281,h2/c?cacert=" + ca.File:         "",
		"zks+srv://example.invalid/c?servername=zk":   "",
		"zk+srv://_client._tcp.zk.invalid?session=4s": "",
		"ZKS://user:p@h":                                   "",
		"zks://user:hidden@h?cacert=" + absent:             absent,
		"zks://h?cacert=":                                  "each once",
		"zks://h?cacert=a&cacert=b":                        "each once",
		"zks://user:hidden@h?ca=hidden":                    "each once",
		"zk://user:hidden@h?cacert=hidden":                 "with zks",
		"zk+srv://user:hidden@h?cert=hidden":               "with zks",
		"zk+srv://h:2181":                                  "without a port",
		"zk+srv://h1,h2":                                   "without a port",
		"zk+srv://user:hidden@h1,h2":                       "without a port",
		"zk+tls://user:hidden@h":                           "zks+srv",
		"zks:user:hidden@h":                                "there must be //",
		"zks://user:hidden@h?key=" + ca.File + "&cert=%zz": "percent-encoded",
	} {
		s, err := storeurl.Open(t.Context(), url)
		if err == nil {
			s.Close()
		}
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden")) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

func TestPublicKeepsTLS(t *testing.T) {
	for url, want := range map[string]string{
		"zks://user:p@h1,h2:2281/c?key=/k%40.pem&cert=/c%26.pem&session=4s": "zks://h1,h2:2281/c?session=4s&cert=/c%26.pem&key=/k%40.pem",
		"zks+srv://user:p@example.com/c?servername=zk&cacert=ca.pem":        "zks+srv://example.com/c?cacert=ca.pem&servername=zk",
	} {
		got, err := storeurl.Public(url)
		if got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", url, got, err, want)
		}
		if again, err := storeurl.Public(got); again != got || err != nil {
			t.Errorf("%s: %s, %v", got, again, err)
		}
	}
}
