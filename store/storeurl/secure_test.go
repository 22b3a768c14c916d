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
	"github.com/zkstate/zkstate/store/zkstore"
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
	write := func(text string) {
		if err := os.WriteFile(secrets, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sasl:bob:se:cret\n")
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
	t.Setenv(storeurl.AuthVariable, "")
	write("sasl:alice:hidden\nsasl:bob:se:cret\n")
	if err := use(t, "zk://"+server.Addr()+"?sasl_user=bob&acl=creator", "/named", storeurl.Environment()); err != nil {
		t.Error(err)
	}
	for _, opts := range [][]storeurl.Option{nil, {storeurl.Environment()}} {
		if err := use(t, "zk://"+server.Addr()+"?sasl_user=carol", "/refused", opts...); !errors.Is(err, storeurl.ErrAuth) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("with no password for the user: %v", err)
		}
	}
	t.Setenv(storeurl.AuthFile, "")

	// Of the files of TLS and the ACL, an option counts before the URL, and that before the
	// environment. What does not count is not even looked at.
	absent := filepath.Join(t.TempDir(), "absent.pem")
	secure, good := "zks://"+server.SecureAddr()+"?servername=zk.example", zkstore.TLSFiles{CA: ca.File, Cert: cert.Cert, Key: cert.Key}
	t.Setenv(storeurl.CACertVariable, ca.File)
	t.Setenv(storeurl.CertVariable, cert.Cert)
	t.Setenv(storeurl.KeyVariable, cert.Key)
	t.Setenv(storeurl.ACLVariable, "x509:CN=client:cdrwa")
	if err := use(t, secure, "/environment", storeurl.Environment()); err != nil {
		t.Error(err)
	}
	t.Setenv(storeurl.ACLVariable, "open")
	if err := use(t, "zk://"+server.Addr(), "/plain", storeurl.Environment()); err != nil {
		t.Errorf("certificates of the environment where there is no TLS: %v", err)
	}
	for _, variable := range []string{storeurl.CACertVariable, storeurl.CertVariable, storeurl.KeyVariable} {
		t.Setenv(variable, absent)
	}
	t.Setenv(storeurl.ACLVariable, "hidden")
	if err := use(t, secure+"&acl=read&"+files, "/url", storeurl.Environment()); err != nil {
		t.Error(err)
	}
	if err := use(t, secure+"&acl=sasl:nobody:r&cert="+absent+"&cacert="+absent, "/option", storeurl.Environment(), storeurl.TLS(good), storeurl.ACL(zkstore.OpenACL)); err != nil {
		t.Error(err)
	}
	if err := use(t, "zk://"+server.Addr(), "/refused", storeurl.Environment()); !errors.Is(err, zkstore.ErrACL) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("with a bad ACL in the environment: %v", err)
	}
	for path, want := range map[string]error{"/named": store.ErrDenied, "/environment": store.ErrDenied, "/url": nil, "/option": nil} {
		if err := look(t, "zk://"+server.Addr(), path); !errors.Is(err, want) {
			t.Errorf("a stranger looks at %s: %v, want %v", path, err, want)
		}
	}
}

// look reads a document as somebody whom the server does not know.
func look(t *testing.T, url, path string) error {
	t.Helper()
	s, err := storeurl.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = s.Load(ctx, path, store.Version{}, store.Linearizable)
	return err
}

// TestOptionsThatDoNotFit: what secures ZooKeeper is not passed over where there is none.
func TestOptionsThatDoNotFit(t *testing.T) {
	ca := testcert.NewAuthority(t)
	for _, url := range []string{"zk://h", "zk+srv://example.com", "sqlite:" + filepath.Join(t.TempDir(), "a.db"), "mem:"} {
		s, err := storeurl.Open(t.Context(), url, storeurl.TLS(zkstore.TLSFiles{CA: ca.File}))
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, storeurl.ErrURL) {
			t.Errorf("%s with certificates: %v", url, err)
		}
	}
	if s, err := storeurl.Open(t.Context(), "mem:", storeurl.ACL(zkstore.CreatorACL)); !errors.Is(err, storeurl.ErrURL) {
		t.Errorf("%v, %v", s, err)
	}
}

func TestSecureURLs(t *testing.T) {
	ca := testcert.NewAuthority(t)
	absent := filepath.Join(t.TempDir(), "absent.pem")
	for url, want := range map[string]string{
		"zks://h:2281,h2/c?cacert=" + ca.File:         "",
		"zks+srv://example.invalid/c?servername=zk":   "",
		"zk+srv://_client._tcp.zk.invalid?session=4s": "",
		"ZKS://user:p@h":                                       "",
		"zks://user:hidden@h?cacert=" + absent:                 absent,
		"zks://h?cacert=":                                      "each once",
		"zks://h?cacert=a&cacert=b":                            "each once",
		"zks://user:hidden@h?ca=hidden":                        "each once",
		"zk://h?acl=creator&servers=fixed":                     "",
		"zk://h?acl=x509:CN%3Dapp%5C%2CO%3DAcme:cdrwa":         "",
		"zk://h?acl=hidden":                                    "SCHEME:ID:PERMS",
		"zk://h?acl=digest:bob:qUFSHxJjItUW/93UHFXFVGlvryY=:r": storeurl.ACLVariable,
		"zk://h?acl=digest:bob:hidden:r":                       "in place of the password",
		"zk://h?acl=":                                          "each once",
		"zk://h?servers=hidden":                                "only be fixed",
		"zk://user:hidden@h?cacert=hidden":                     "with zks",
		"zk+srv://user:hidden@h?cert=hidden":                   "with zks",
		"zk+srv://h:2181":                                      "without a port",
		"zk+srv://h1,h2":                                       "without a port",
		"zk+srv://user:hidden@h1,h2":                           "without a port",
		"zk+tls://user:hidden@h":                               "zks+srv",
		"zks:user:hidden@h":                                    "there must be //",
		"zks://user:hidden@h?key=" + ca.File + "&cert=%zz":     "percent-encoded",
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
		"zk://h?servers=fixed&acl=read&sasl_user=o'neil&session=4s":         "zk://h?session=4s&sasl_user=o%27neil&acl=read&servers=fixed",
		"zk://h?acl=x509:CN%3Da%5C%2CO%3Db:r%2Csasl:c%40D:rw":               "zk://h?acl=x509:CN=a%5C%2CO=b:r%2Csasl:c%40D:rw",
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
