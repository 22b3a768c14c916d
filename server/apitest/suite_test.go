// Package apitest tests the HTTP server with a client that was generated from its
// description, on every kind of store.
package apitest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/server"
	"github.com/zkstate/zkstate/server/apitest/client"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/sqlitestore"
	"github.com/zkstate/zkstate/store/zkstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for. It decides nothing when things work.
const patience = 30 * time.Second

// TestDescription: the client is that of the description.
func TestDescription(t *testing.T) {
	text, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != client.Description {
		t.Error("openapi.yaml has changed: run scripts/openapi-client")
	}
}

// env is a test on one kind of store.
type env struct {
	*testing.T
	ctx  context.Context
	open func() store.Store // another handle on the same data
}

// tests are run on every kind of store.
var tests = map[string]func(e *env){
	"Document":            testDocument,
	"Put":                 testPut,
	"Patch":               testPatch,
	"DryRun":              testDryRun,
	"Rejected":            testRejected,
	"History":             testHistory,
	"Wait":                testWait,
	"Views":               testViews,
	"HostileContent":      testHostileContent,
	"Events":              testEvents,
	"Resume":              testResume,
	"ResumeFromJournal":   testResumeFromJournal,
	"ListenersAsTheyCome": testListenersAsTheyCome,
}

// TestStores runs all tests on all stores.
func TestStores(t *testing.T) {
	t.Run("mem", func(t *testing.T) { runTests(t, tests, openMemory) })
	t.Run("sqlite", func(t *testing.T) { runTests(t, tests, openFile) })
	t.Run("zk", func(t *testing.T) {
		zk := zkserver.Standalone(t)
		var chroots atomic.Int64
		runTests(t, tests, func(t *testing.T) func() store.Store {
			chroot := fmt.Sprintf("/api%d", chroots.Add(1))
			return func() store.Store {
				return must[*zkstore.Store](t)(zkstore.Open(zkstore.Config{Servers: []string{zk.Addr()}, Chroot: chroot}))
			}
		})
	})
}

// TestSlow runs what no store has a part in.
func TestSlow(t *testing.T) {
	runTests(t, map[string]func(*env){"SlowStream": testSlowStream, "StreamIsDropped": testStreamIsDropped}, openMemory)
}

func openMemory(*testing.T) func() store.Store {
	first := memstore.New()
	return func() store.Store { return first.Attach() }
}

func openFile(t *testing.T) func() store.Store {
	file := filepath.Join(t.TempDir(), "state.db")
	return func() store.Store {
		return must[*sqlitestore.Store](t)(sqlitestore.Open(context.Background(), file, sqlitestore.Config{}))
	}
}

// runTests runs tests on a kind of store. fresh makes a store, and returns how to open it.
func runTests(t *testing.T, tests map[string]func(e *env), fresh func(t *testing.T) func() store.Store) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
			t.Cleanup(cancel)
			open := fresh(t)
			test(&env{t, ctx, func() store.Store {
				s := open()
				t.Cleanup(func() { s.Close() })
				return s
			}})
		})
	}
}

// api is a running server, and a client of it.
type api struct {
	*env
	*client.ClientWithResponses
	store store.Store
	url   string
	http  *http.Client
	stop  func() // ends the server in an orderly way
}

// serve starts a server that allows changes.
func (e *env) serve(configure ...func(*server.Config)) *api {
	e.Helper()
	a := &api{env: e, store: e.open(), http: &http.Client{Transport: &http.Transport{}}}
	cfg := server.Config{Store: a.store, Write: true, Actor: "ann", Rate: 1e6, Burst: 1e6}
	for _, set := range configure {
		set(&cfg)
	}
	srv, err := server.New(cfg)
	if err != nil {
		a.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		a.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l) }()
	a.url = "http://" + l.Addr().String()
	stopped := false
	a.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			a.Errorf("serve: %v", err)
		}
		a.http.CloseIdleConnections()
	}
	e.Cleanup(a.stop)
	if a.ClientWithResponses, err = client.NewClientWithResponses(a.url, client.WithHTTPClient(a.http)); err != nil {
		a.Fatal(err)
	}
	return a
}

// raw sends a request as it is, and returns the status and the body.
func (a *api) raw(method, path, body string, headers ...string) (*http.Response, string) {
	a.Helper()
	req, err := http.NewRequestWithContext(a.ctx, method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := a.http.Do(req)
	if err != nil {
		a.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.Fatal(err)
	}
	return resp, string(bytes.TrimSpace(text))
}

// must returns what a call of the client returned.
func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func ptr[T any](v T) *T { return &v }
