package pagetest

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate/server"
	"github.com/zkstate/zkstate/server/page"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

// site is a store in a file, and a server for it.
type site struct {
	t       testing.TB
	file    string
	store   store.Store // a handle of the test's own, as other programs have
	config  server.Config
	address string
	url     string
	stop    func() // may be called again
}

// newSite starts one; change may be nil.
func newSite(t testing.TB, change func(*server.Config)) *site {
	t.Helper()
	s := &site{t: t, file: filepath.Join(t.TempDir(), "state.db"), address: "127.0.0.1:0"}
	s.store = s.open()
	s.config = server.Config{Store: s.open(), StoreName: "sqlite:state.db", Version: "test", Write: true, Actor: "ann", Page: page.Files(), Linger: time.Second}
	if change != nil {
		change(&s.config)
	}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *site) open() store.Store {
	s.t.Helper()
	handle, err := sqlitestore.Open(s.t.Context(), s.file, sqlitestore.Config{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { handle.Close() })
	return handle
}

// start serves, at the address of the first time.
func (s *site) start() {
	s.t.Helper()
	srv, err := server.New(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = listener.Addr().String()
	s.url = "http://" + s.address + "/"
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, listener) }()
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		s.stop = func() {}
	}
}

// call asks the server, as a program does.
func (s *site) call(method, path, query, body string) string {
	s.t.Helper()
	escaped := (&url.URL{Path: path}).EscapedPath()
	request, err := http.NewRequestWithContext(s.t.Context(), method, strings.TrimSuffix(s.url, "/")+"/v1/"+strings.TrimPrefix(escaped, "/")+"?"+query, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 400 {
		s.t.Fatalf("%s %s: %s %s %v", method, path, response.Status, answer, err)
	}
	return string(answer)
}

// create makes a document with a journal.
func (s *site) create(path, document string) {
	s.t.Helper()
	s.call(http.MethodPost, "documents"+path, "history=100&reason=the+first+one", document)
}

// patch changes a document by a merge patch.
func (s *site) patch(path, patch, reason string) {
	s.t.Helper()
	s.call(http.MethodPatch, "documents"+path, "reason="+url.QueryEscape(reason), patch)
}

// write stores a payload as another tool does, without looking at it.
func (s *site) write(path, payload string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE documents SET body = ? WHERE path = ?", []byte(payload), path); err != nil {
		s.t.Fatal(err)
	}
}

func objectOf(n int, member func(i int) string) string {
	members := make([]string, n)
	for i := range members {
		members[i] = member(i)
	}
	return fmt.Sprintf("{%s}", strings.Join(members, ","))
}
