package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// handlerOf makes a server's handler, on a store that has /doc.
func handlerOf(t *testing.T, cfg Config) http.Handler {
	t.Helper()
	s := memstore.New()
	t.Cleanup(func() { s.Close() })
	if _, err := s.Commit(t.Context(), store.Create{Path: "/doc", Data: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	cfg.Store = s
	srv, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.followers.close)
	return srv.handler
}

// ask sends a request to a handler.
func ask(h http.Handler, method, url, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const here = "http://127.0.0.1:8642"

// TestOthersPagesAreRefused: a page of another origin can neither read nor change anything,
// under whatever name it goes to the server.
func TestOthersPagesAreRefused(t *testing.T) {
	h := handlerOf(t, Config{Write: true, Hosts: []string{"docs.example"}, Page: fstest.MapFS{"index.html": {Data: []byte("page")}}})
	for _, c := range []struct {
		method, url string
		headers     []string
		status      int
	}{
		{"GET", here + "/v1/documents/doc", nil, http.StatusOK},
		{"GET", "http://localhost:1/v1/documents/doc", nil, http.StatusOK},
		{"GET", "http://[::1]:8642/v1/documents/doc", nil, http.StatusOK},
		{"GET", "http://Docs.Example/v1/documents/doc", nil, http.StatusOK},
		{"GET", "http://rebound.example:8642/v1/documents/doc", nil, http.StatusForbidden},
		{"GET", "http://rebound.example:8642/", nil, http.StatusForbidden},
		{"GET", "http://127.0.0.1.example/v1/documents/doc", nil, http.StatusForbidden},
		{"GET", here + "/v1/documents/doc", []string{"Origin", here}, http.StatusOK},
		{"GET", here + "/v1/documents/doc", []string{"Origin", "http://127.0.0.1:9999"}, http.StatusForbidden},
		{"GET", here + "/v1/documents/doc", []string{"Origin", "https://127.0.0.1:8642"}, http.StatusForbidden},
		{"GET", here + "/v1/documents/doc", []string{"Origin", "null"}, http.StatusForbidden},
		{"GET", here + "/v1/events/doc", []string{"Origin", "http://evil.example"}, http.StatusForbidden},
		{"GET", here + "/v1/documents/doc", []string{"Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		{"GET", here + "/v1/documents/doc", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, http.StatusForbidden},
		{"GET", here + "/v1/documents/doc", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, http.StatusForbidden},
		{"GET", here + "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, http.StatusOK}, // a link
		{"POST", here + "/v1/documents/new", []string{"Origin", "http://evil.example", "Content-Type", "application/json"}, http.StatusForbidden},
		{"POST", here + "/v1/documents/new", []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "application/json"}, http.StatusForbidden},
		{"POST", here + "/v1/documents/new", []string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType}, // as a form sends it
		{"DELETE", here + "/v1/documents/doc", []string{"Origin", "http://evil.example"}, http.StatusForbidden},
		{"POST", here + "/v1/rollback/doc?to=0", []string{"Origin", "http://evil.example"}, http.StatusForbidden},
		{"OPTIONS", here + "/v1/documents/doc", []string{"Origin", "http://evil.example"}, http.StatusForbidden},
	} {
		w := ask(h, c.method, c.url, "1", c.headers...)
		if w.Code != c.status {
			t.Errorf("%s %s %v: %d %s, want %d", c.method, c.url, c.headers, w.Code, w.Body, c.status)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s %s: it opens itself to others: %v", c.method, c.url, w.Header())
		}
	}
}

// TestEveryAnswerIsGuarded: pages, problems and documents alike.
func TestEveryAnswerIsGuarded(t *testing.T) {
	h := handlerOf(t, Config{Page: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}, "app.js": {Data: []byte("1")}}})
	for url, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/app.js": "text/javascript; charset=utf-8", "/openapi.yaml": "application/yaml",
		"/v1/documents/doc": "application/json", "/none": "application/problem+json", "/v1/none": "application/problem+json",
		"/v1//documents/doc": "application/problem+json", "/v1/documents/../doc": "application/problem+json",
	} {
		w := ask(h, "GET", here+url, "")
		header := w.Header()
		if header.Get("Content-Type") != kind {
			t.Errorf("%s is %q, want %q", url, header.Get("Content-Type"), kind)
		}
		if !strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none';") || header.Get("X-Content-Type-Options") != "nosniff" ||
			header.Get("Cross-Origin-Resource-Policy") != "same-origin" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", url, header)
		}
	}
	tag := ask(h, "GET", here+"/app.js", "").Header().Get("ETag")
	if w := ask(h, "GET", here+"/app.js", "", "If-None-Match", tag); w.Code != http.StatusNotModified {
		t.Errorf("a file that the browser has: %d", w.Code)
	}
}

// TestReadOnly: without Write nothing is changed, whatever the request is.
func TestReadOnly(t *testing.T) {
	h := handlerOf(t, Config{})
	for _, c := range [][2]string{
		{"PUT", "/v1/documents/doc"}, {"PUT", "/v1/documents/doc?dry_run"}, {"POST", "/v1/documents/new"}, {"PATCH", "/v1/documents/doc"},
		{"DELETE", "/v1/documents/doc"}, {"POST", "/v1/rollback/doc?to=0"},
	} {
		if w := ask(h, c[0], here+c[1], "1", "Content-Type", "application/json"); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "--write") {
			t.Errorf("%s %s: %d %s", c[0], c[1], w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", here+"/v1/documents/doc", ""); w.Body.String() != `{"a":1}` {
		t.Errorf("afterwards it is %s", w.Body)
	}
}

func TestMethods(t *testing.T) {
	h := handlerOf(t, Config{Write: true, Page: fstest.MapFS{"index.html": {}}})
	for _, c := range [][3]string{
		{"DELETE", "/v1/tree", "GET"}, {"TRACE", "/v1/documents/doc", "GET PUT POST PATCH DELETE"}, {"GET", "/v1/rollback/doc", "POST"},
		{"POST", "/", "GET"}, {"HEAD", "/v1/events/doc", "GET"},
	} {
		w := ask(h, c[0], here+c[1], "")
		if allowed := strings.Join(w.Header().Values("Allow"), " "); w.Code != http.StatusMethodNotAllowed || allowed != c[2] {
			t.Errorf("%s %s: %d, it allows %q", c[0], c[1], w.Code, allowed)
		}
	}
	if w := ask(h, "HEAD", here+"/v1/documents/doc", ""); w.Code != http.StatusOK || w.Header().Get("ETag") == "" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
}

// TestBounds: of bodies, rates, and streams.
func TestBounds(t *testing.T) {
	h := handlerOf(t, Config{Write: true, Rate: 0.001, Burst: 2})
	large := io.MultiReader(strings.NewReader(`"`), bytes.NewReader(bytes.Repeat([]byte("x"), store.MaxCommit)))
	r := httptest.NewRequest("PUT", here+"/v1/documents/doc", large)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d %s", w.Code, w.Body)
	}
	ask(h, "GET", here+"/v1/server", "")
	if w := ask(h, "GET", here+"/v1/server", ""); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"exit":75`) {
		t.Errorf("the third request: %d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", here+"/openapi.yaml", ""); w.Code != http.StatusOK {
		t.Errorf("what costs nothing: %d", w.Code)
	}
}

// TestRatesAreBounded: remembering clients costs no more than so much, however many there are.
func TestRatesAreBounded(t *testing.T) {
	l := newRates(0.001, 1)
	for n := range maxClients + 100 {
		if err := l.admit(&http.Request{RemoteAddr: fmt.Sprintf("10.0.%d.%d:1", n/256, n%256)}, client{}); err != nil {
			t.Fatal(err)
		}
		if len(l.clients) > maxClients {
			t.Fatalf("%d clients are remembered", len(l.clients))
		}
	}
}
