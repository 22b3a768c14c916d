package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/testcert"
)

// TestServeRenewsCertificates: serve uses the files as they are when a client connects, and goes on with what it had
// while they cannot be used, which it says once.
func TestServeRenewsCertificates(t *testing.T) {
	authority, others := testcert.NewAuthority(t), testcert.NewAuthority(t)
	host := authority.Issue(t, testcert.Leaf{Hosts: []string{"127.0.0.1"}})
	ann := authority.Issue(t, testcert.Leaf{CommonName: "ann"})
	clientCA := filepath.Join(t.TempDir(), "clients.pem")
	copyFile(t, authority.File, clientCA)
	addr, said := startServe(t, "--tls-cert", host.Cert, "--tls-key", host.Key, "--client-ca", clientCA)

	first, err := greet(addr, authority.File, ann)
	if err != nil {
		t.Fatal(err)
	}
	authority.Reissue(t, testcert.Leaf{Hosts: []string{"127.0.0.1"}}, host)
	renewed, err := greet(addr, authority.File, ann)
	if err != nil || renewed == first {
		t.Fatalf("after the renewal: certificate %s, before %s, %v", renewed, first, err)
	}

	if err := os.WriteFile(host.Key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if kept, err := greet(addr, authority.File, ann); err != nil || kept != renewed {
			t.Fatalf("with a broken key: certificate %s, before %s, %v", kept, renewed, err)
		}
	}
	if n := strings.Count(said(), "the last ones stay in use"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, said())
	}

	authority.Reissue(t, testcert.Leaf{Hosts: []string{"127.0.0.1"}}, host)
	copyFile(t, others.File, clientCA)
	if _, err := greet(addr, authority.File, ann); err == nil {
		t.Error("a client of the authority that was replaced still came in")
	}
	if _, err := greet(addr, authority.File, others.Issue(t, testcert.Leaf{CommonName: "bob"})); err != nil {
		t.Errorf("a client of the new authority: %v", err)
	}
}

// startServe serves a file until the test ends, and returns the address, and what was said on stderr.
func startServe(t *testing.T, args ...string) (addr string, said func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	file := "sqlite:" + filepath.Join(t.TempDir(), "state.db")
	if code := run(ctx, []string{"--store", file, "create", "/app", "{}"}, nil, io.Discard, io.Discard); code != 0 {
		t.Fatalf("create: exit code %d", code)
	}
	out, stdout := io.Pipe()
	var stderr lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"--store", file, "serve", "--listen", "127.0.0.1:0"}, args...), nil, stdout, &stderr)
		stdout.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("serve: exit code %d: %s", code, stderr.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	url := regexp.MustCompile(`https://([0-9.:]+)`).FindStringSubmatch(line)
	if err != nil || url == nil {
		t.Fatalf("serve printed %q, %v: %s", line, err, stderr.String())
	}
	return url[1], stderr.String
}

// greet shakes hands as that client, waits until the server has let it in, and returns the serial number of the server's certificate.
func greet(addr, ca string, client testcert.Files) (string, error) {
	pair, err := tls.LoadX509KeyPair(client.Cert, client.Key)
	if err != nil {
		return "", err
	}
	roots := x509.NewCertPool()
	text, err := os.ReadFile(ca)
	if err != nil {
		return "", err
	}
	roots.AppendCertsFromPEM(text)
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /openapi.yaml HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	if _, err := io.ReadAll(conn); err != nil { // in TLS 1.3 a refused client learns it here
		return "", err
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
