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

// eachStore runs a test on all stores.
func eachStore(t *testing.T, test func(e *env)) {
	run := func(name string, fresh func(t *testing.T) func() store.Store) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			t.Cleanup(cancel)
			open := fresh(t)
			test(&env{t, ctx, func() store.Store {
				s := open()
				t.Cleanup(func() { s.Close() })
				return s
			}})
		})
	}
	run("mem", func(*testing.T) func() store.Store {
		first := memstore.New()
		return func() store.Store { return first.Attach() }
	})
	run("sqlite", func(t *testing.T) func() store.Store {
		file := filepath.Join(t.TempDir(), "state.db")
		return func() store.Store {
			s, err := sqlitestore.Open(context.Background(), file, sqlitestore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
	var zk *zkserver.Server
	var chroots atomic.Int64
	run("zk", func(t *testing.T) func() store.Store {
		if zk == nil {
			zk = zkserver.Standalone(t)
		}
		chroot := fmt.Sprintf("/api%d-%d", time.Now().UnixNano(), chroots.Add(1))
		return func() store.Store {
			s, err := zkstore.Open(zkstore.Config{Servers: []string{zk.Addr()}, Chroot: chroot})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
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
		e.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.Fatal(err)
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
			e.Errorf("serve: %v", err)
		}
		a.http.CloseIdleConnections()
	}
	e.Cleanup(a.stop)
	if a.ClientWithResponses, err = client.NewClientWithResponses(a.url, client.WithHTTPClient(a.http)); err != nil {
		e.Fatal(err)
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
