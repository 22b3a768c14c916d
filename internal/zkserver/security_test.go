package zkserver

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/testcert"
)

func TestTLS(t *testing.T) {
	ca := testcert.NewAuthority(t)
	server := ca.Issue(t, testcert.Leaf{CommonName: "server", Hosts: []string{"127.0.0.1"}})
	client := ca.Issue(t, testcert.Leaf{CommonName: "client"})
	s := StandaloneConfig(t, Config{TLS: &TLS{KeyStore: server.Both, TrustStore: ca.File}})

	roots := x509.NewCertPool()
	pem, err := os.ReadFile(ca.File)
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(client.Cert, client.Key)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := askTLS(s.SecureAddr(), &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}}); err != nil || !strings.Contains(answer, "Mode: standalone") {
		t.Errorf("with a certificate: %q, %v", answer, err)
	}
	if answer, err := askTLS(s.SecureAddr(), &tls.Config{RootCAs: roots}); err == nil {
		t.Errorf("without a certificate: %q", answer)
	}
}

func askTLS(addr string, cfg *tls.Config) (string, error) {
	conn, err := tls.Dial("tcp", addr, cfg)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "srvr"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

func TestSASLConfig(t *testing.T) {
	sasl := &SASL{Users: map[string]string{"bob": `a"b\c`, "alice": "x"}}
	want := "Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n  user_alice=\"x\"\n  user_bob=\"a\\\"b\\\\c\";\n};\n"
	if got := sasl.jaas(); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}
