package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/testcert"
	"github.com/zkstate/zkstate/store/memstore"
)

const secret = "0123456789abcdef"

func TestTokens(t *testing.T) {
	h := handlerOf(t, Config{Actor: "process", Tokens: []Token{{"ann", secret}, {"", "another-secret-token"}}})
	for _, c := range []struct {
		authorization string
		status        int
		actor         string
	}{
		{"", http.StatusUnauthorized, ""},
		{"Bearer wrong", http.StatusUnauthorized, ""},
		{"Bearer " + secret + "x", http.StatusUnauthorized, ""},
		{"Basic " + secret, http.StatusUnauthorized, ""},
		{"Bearer " + secret, http.StatusOK, "ann"},
		{"bearer  " + secret, http.StatusOK, "ann"},
		{"Bearer another-secret-token", http.StatusOK, "process"},
	} {
		w := ask(h, "GET", here+"/v1/server", "", "Authorization", c.authorization)
		if w.Code != c.status || c.actor != "" && !strings.Contains(w.Body.String(), `"actor":"`+c.actor+`"`) {
			t.Errorf("%q: %d %s", c.authorization, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), secret) || w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %v %s", c.authorization, w.Header(), w.Body)
		}
	}
	if w := ask(h, "GET", here+"/openapi.yaml", ""); w.Code != http.StatusOK {
		t.Errorf("the description: %d", w.Code)
	}
}

// TestGuessingIsBounded: attempts without a token count as requests.
func TestGuessingIsBounded(t *testing.T) {
	h := handlerOf(t, Config{Tokens: []Token{{"ann", secret}}, Rate: 0.001, Burst: 3})
	for range 3 {
		ask(h, "GET", here+"/v1/server", "", "Authorization", "Bearer guess")
	}
	if w := ask(h, "GET", here+"/v1/server", "", "Authorization", "Bearer guess"); w.Code != http.StatusTooManyRequests {
		t.Errorf("the fourth attempt: %d", w.Code)
	}
	if w := ask(h, "GET", here+"/v1/server", "", "Authorization", "Bearer "+secret); w.Code != http.StatusOK {
		t.Errorf("who has the token: %d", w.Code)
	}
}

func TestParseTokens(t *testing.T) {
	tokens, err := ParseTokens([]byte("# who may\n\nann:" + secret + "\r\n0123456789abcdefXYZ\n"))
	if err != nil || len(tokens) != 2 || tokens[0] != (Token{"ann", secret}) || tokens[1] != (Token{"", "0123456789abcdefXYZ"}) {
		t.Errorf("%v, %v", tokens, err)
	}
	for _, text := range []string{"", "# none\n", "ann:short", "short", "ann:with a blank in it", "ann:"} {
		if tokens, err := ParseTokens([]byte(text)); !errors.Is(err, ErrToken) || strings.Contains(err.Error(), "short") {
			t.Errorf("%q: %v, %v", text, tokens, err)
		}
	}
}

// TestUnsafeAddress: where others can come in, TLS and a secret are needed.
func TestUnsafeAddress(t *testing.T) {
	everywhere := &net.TCPAddr{IP: net.IPv4zero}
	token, certified := []Token{{"ann", secret}}, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert}
	for _, c := range []struct {
		address net.Addr
		cfg     Config
		safe    bool
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, Config{}, true},
		{&net.TCPAddr{IP: net.IPv6loopback}, Config{}, true},
		{&net.UnixAddr{Net: "unix"}, Config{}, true},
		{everywhere, Config{}, false},
		{&net.TCPAddr{IP: net.IPv6unspecified}, Config{}, false},
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, Config{Tokens: token}, false},
		{everywhere, Config{TLS: &tls.Config{}}, false},
		{everywhere, Config{TLS: &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven}}, false},
		{everywhere, Config{TLS: &tls.Config{}, Tokens: token}, true},
		{everywhere, Config{TLS: certified}, true},
	} {
		if err := c.cfg.Check(fakeListener{c.address}); errors.Is(err, ErrUnsafe) == c.safe {
			t.Errorf("%v with %+v: %v", c.address, c.cfg, err)
		}
	}
}

type fakeListener struct{ address net.Addr }

func (l fakeListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (l fakeListener) Close() error              { return nil }
func (l fakeListener) Addr() net.Addr            { return l.address }

// TestClientCertificates: one that the authority signed says who the client is.
func TestClientCertificates(t *testing.T) {
	authority, other := testcert.NewAuthority(t), testcert.NewAuthority(t)
	files := authority.Issue(t, testcert.Leaf{CommonName: "server", Hosts: []string{"127.0.0.1"}})
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	s := memstore.New()
	defer s.Close()
	srv, err := New(Config{Store: s, TLS: &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool(t, authority.File), ClientAuth: tls.RequireAndVerifyClientCert}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- srv.Serve(ctx, l) }()
	roots := pool(t, authority.File)
	get := func(authority *testcert.Authority, name string) (string, error) {
		config := &tls.Config{RootCAs: roots}
		if authority != nil {
			own := authority.Issue(t, testcert.Leaf{CommonName: name})
			pair, err := tls.LoadX509KeyPair(own.Cert, own.Key)
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String() + "/v1/server")
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	if body, err := get(authority, "bob"); err != nil || !strings.Contains(body, `"actor":"bob"`) {
		t.Errorf("who has a certificate: %s, %v", body, err)
	}
	for name, a := range map[string]*testcert.Authority{"none": nil, "another authority's": other} {
		if body, err := get(a, "eve"); err == nil {
			t.Errorf("with %s: %s", name, body)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func pool(t *testing.T, file string) *x509.CertPool {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(text)
	return p
}
