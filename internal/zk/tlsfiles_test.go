package zk

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/testcert"
)

// shakeHands makes a connection to a server that wants a client's certificate, and returns the subject that
// the server saw.
func shakeHands(t *testing.T, ca *testcert.Authority, server *tls.Config, client *tls.Config) (subject string, err error) {
	t.Helper()
	pem, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	server.ClientCAs = x509.NewCertPool()
	server.ClientCAs.AppendCertsFromPEM(pem)
	server.ClientAuth = tls.VerifyClientCertIfGiven
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		tlsConn := conn.(*tls.Conn)
		if tlsConn.Handshake() != nil {
			return
		}
		for _, cert := range tlsConn.ConnectionState().PeerCertificates {
			io.WriteString(conn, cert.Subject.CommonName)
		}
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	said, err := io.ReadAll(conn)
	return string(said), err
}

func serverTLS(t *testing.T, files testcert.Files) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

func TestTLSFiles(t *testing.T) {
	ca, other := testcert.NewAuthority(t), testcert.NewAuthority(t)
	issue := func(leaf testcert.Leaf) testcert.Files { return ca.Issue(t, leaf) }
	good := issue(testcert.Leaf{Hosts: []string{"zk1.example", "127.0.0.1"}})
	client := issue(testcert.Leaf{CommonName: "me"})
	old := serverTLS(t, good)
	old.MaxVersion = tls.VersionTLS11
	unknown, invalid := new(x509.UnknownAuthorityError), new(x509.CertificateInvalidError)
	wrongName := new(x509.HostnameError)
	for name, test := range map[string]struct {
		server *tls.Config
		files  TLSFiles
		host   string
		want   any // the error's type, nil for none
		said   string
	}{
		"by name":           {serverTLS(t, good), TLSFiles{CA: ca.File}, "zk1.example", nil, ""},
		"by address":        {serverTLS(t, good), TLSFiles{CA: ca.File}, "127.0.0.1", nil, ""},
		"with certificate":  {serverTLS(t, good), TLSFiles{CA: ca.File, Cert: client.Cert, Key: client.Key}, "zk1.example", nil, "me"},
		"key with the cert": {serverTLS(t, good), TLSFiles{CA: ca.File, Cert: client.Both}, "zk1.example", nil, "me"},
		"pinned name":       {serverTLS(t, good), TLSFiles{CA: ca.File, ServerName: "zk1.example"}, "another", nil, ""},
		"wrong name":        {serverTLS(t, good), TLSFiles{CA: ca.File}, "zk2.example", wrongName, ""},
		"wrong address":     {serverTLS(t, good), TLSFiles{CA: ca.File}, "127.0.0.2", wrongName, ""},
		"wrong pinned name": {serverTLS(t, good), TLSFiles{CA: ca.File, ServerName: "zk2.example"}, "zk1.example", wrongName, ""},
		"expired":           {serverTLS(t, issue(testcert.Leaf{Hosts: []string{"zk1.example"}, Expired: true})), TLSFiles{CA: ca.File}, "zk1.example", invalid, ""},
		"other authority":   {serverTLS(t, good), TLSFiles{CA: other.File}, "zk1.example", unknown, ""},
		"system's":          {serverTLS(t, good), TLSFiles{}, "zk1.example", unknown, ""},
		"a client's":        {serverTLS(t, issue(testcert.Leaf{CommonName: "zk1.example"})), TLSFiles{CA: ca.File, ServerName: "zk1.example"}, "", new(error), ""},
		"TLS 1.1":           {old, TLSFiles{CA: ca.File}, "zk1.example", new(error), ""},
	} {
		cfg, err := test.files.Config(test.host)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		said, err := shakeHands(t, ca, test.server, cfg)
		if test.want == nil && (err != nil || said != test.said) || test.want != nil && (err == nil || !errors.As(err, test.want)) {
			t.Errorf("%s: the server saw %q, %v (%T)", name, said, err, err)
		}
	}
}

func TestTLSFilesAreReadAgain(t *testing.T) {
	ca, next := testcert.NewAuthority(t), testcert.NewAuthority(t)
	server := ca.Issue(t, testcert.Leaf{Hosts: []string{"zk"}})
	client := ca.Issue(t, testcert.Leaf{CommonName: "before"})
	files := TLSFiles{CA: filepath.Join(t.TempDir(), "ca.pem"), Cert: client.Cert, Key: client.Key}
	expect := func(ca *testcert.Authority, want string) {
		t.Helper()
		pem, err := os.ReadFile(ca.File)
		if err == nil {
			err = os.WriteFile(files.CA, pem, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := files.Config("zk")
		if err != nil {
			t.Fatal(err)
		}
		if said, err := shakeHands(t, ca, serverTLS(t, server), cfg); err != nil || said != want {
			t.Errorf("the server saw %q, %v; want %q", said, err, want)
		}
	}
	expect(ca, "before")
	ca.Reissue(t, testcert.Leaf{CommonName: "renewed"}, client)
	expect(ca, "renewed")
	next.Reissue(t, testcert.Leaf{CommonName: "moved"}, client)
	next.Reissue(t, testcert.Leaf{Hosts: []string{"zk"}}, server)
	expect(next, "moved")
}

func TestTLSFilesRefuses(t *testing.T) {
	ca := testcert.NewAuthority(t)
	one, two := ca.Issue(t, testcert.Leaf{CommonName: "1"}), ca.Issue(t, testcert.Leaf{CommonName: "2"})
	absent := filepath.Join(t.TempDir(), "absent.pem")
	locked := filepath.Join(t.TempDir(), "locked.pem")
	if err := os.WriteFile(locked, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		files TLSFiles
		want  []string
	}{
		"no CA file":      {TLSFiles{CA: absent}, []string{absent}},
		"CA is a key":     {TLSFiles{CA: one.Key}, []string{one.Key, "no certificate"}},
		"no cert file":    {TLSFiles{Cert: absent, Key: one.Key}, []string{absent}},
		"no key file":     {TLSFiles{Cert: one.Cert, Key: absent}, []string{absent}},
		"key alone":       {TLSFiles{Key: one.Key}, []string{one.Key, "needs a certificate"}},
		"no key in cert":  {TLSFiles{Cert: one.Cert}, []string{one.Cert}},
		"another's key":   {TLSFiles{Cert: one.Cert, Key: two.Key}, []string{one.Cert, two.Key, "does not match"}},
		"with passphrase": {TLSFiles{Cert: one.Cert, Key: locked}, []string{locked, "passphrase"}},
	} {
		cfg, err := test.files.Config("zk")
		if err == nil {
			t.Errorf("%s: %v", name, cfg)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q in it", name, err, want)
			}
		}
	}
}
