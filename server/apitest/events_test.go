package apitest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/zkstate/zkstate/server"
	"github.com/zkstate/zkstate/server/apitest/client"
	"github.com/zkstate/zkstate/store"
)

// event is one event of a stream.
type event struct {
	kind, id string
	data     struct {
		Version  string
		Value    json.RawMessage
		Cause    string
		From, To string
		Changes  []client.Change
		Status   string
		Pointer  string
		Offset   *int
		Reason   string

		Listeners []client.Listener
	}
}

// stream is an open stream.
type stream struct {
	*api
	body   io.ReadCloser
	events chan event // closed when the stream has ended
}

// follow opens a stream.
func (a *api) follow(path string, headers ...string) *stream {
	a.Helper()
	req, err := http.NewRequestWithContext(a.ctx, "GET", a.url+"/v1/events/"+path, nil)
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
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		a.Fatalf("no stream: %d", resp.StatusCode)
	}
	s := &stream{a, resp.Body, make(chan event)}
	ctx, cancel := context.WithCancel(context.Background())
	a.Cleanup(func() { cancel(); resp.Body.Close() })
	go s.read(ctx)
	return s
}

func (s *stream) read(ctx context.Context) {
	defer close(s.events)
	var e event
	lines := bufio.NewScanner(s.body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "event":
			e.kind = value
		case name == "id":
			e.id = value
		case name == "data":
			if json.Unmarshal([]byte(value), &e.data) != nil {
				e.kind = "no JSON: " + value
			}
		case lines.Text() == "" && e.kind != "":
			select {
			case s.events <- e:
			case <-ctx.Done():
				return
			}
			e = event{}
		}
	}
}

// next returns the next event of a kind. Others are passed over.
func (s *stream) next(kind string) event {
	s.Helper()
	for {
		select {
		case e, ok := <-s.events:
			if !ok {
				s.Fatalf("the stream ended before an event %q", kind)
			}
			if e.kind == kind {
				return e
			}
		case <-time.After(patience):
			s.Fatalf("no event %q came", kind)
		}
	}
}

// put replaces a document, and returns the version.
func (a *api) put(path, text string) string {
	a.Helper()
	resp, body := a.raw("PUT", "/v1/documents/"+path, text, "Content-Type", jsonType)
	if resp.StatusCode >= 300 {
		a.Fatalf("PUT %s: %d %s", path, resp.StatusCode, body)
	}
	return strings.Trim(resp.Header.Get("ETag"), `"`)
}

// write writes the bytes of a document as another tool would.
func (a *api) write(path, base, text string) string {
	a.Helper()
	put := store.Put{Path: "/" + path, Base: must[store.Version](a)(store.ParseVersion(base)), Data: []byte(text)}
	return must[[]store.Version](a)(a.store.Commit(a.ctx, put))[0].String()
}

func testEvents(e *env) {
	a := e.serve()
	first := a.put("doc", "{\n\"a\" : 1.0}")
	s := a.follow("doc")
	start := s.next("document")
	if start.id != first || start.data.Version != first || string(start.data.Value) != `{"a":1.0}` || start.data.Cause != "start" {
		a.Fatalf("the first event is %+v", start)
	}
	if status := s.next("status"); status.id != "" || status.data.Status != "good" {
		a.Errorf("the status is %+v", status)
	}
	second := a.put("doc", `{"a":1.0,"b":"x\ny"}`)
	changed := s.next("changes")
	if changed.id != second || changed.data.From != first || changed.data.To != second || len(changed.data.Changes) != 1 || changed.data.Changes[0].Pointer != "/b" {
		a.Errorf("changed: %+v", changed)
	}
	third := a.write("doc", second, `{"a":1.0 , "b":"x\ny"}`) // only white space is another
	if moved := s.next("changes"); moved.id != third || moved.data.From != second || len(moved.data.Changes) != 0 {
		a.Errorf("a change of white space: %+v", moved)
	}

	broken := a.write("doc", third, `{"a":}`)
	if status := s.next("status"); status.data.Status != "rejected" || status.data.Version != broken || *status.data.Offset != 5 {
		a.Errorf("rejected: %+v", status)
	}
	a.put("doc", `{"a":2}`)
	if healed := s.next("changes"); healed.data.From != third || len(healed.data.Changes) != 2 {
		a.Errorf("healed: %+v", healed)
	}
	a.raw("DELETE", "/v1/documents/doc", "")
	if deleted := s.next("changes"); deleted.data.To != "-" || deleted.id != "-" {
		a.Errorf("deleted: %+v", deleted)
	}
	if resp, body := a.raw("GET", "/v1/events/doc", ""); resp.StatusCode != http.StatusNotFound {
		a.Errorf("a stream of what was deleted: %d %s", resp.StatusCode, body)
	}
	a.put("doc", `1`)
	if again := s.next("changes"); again.data.From != "-" || len(again.data.Changes) != 1 || again.data.Changes[0].Pointer != "" {
		a.Errorf("made again: %+v", again)
	}
	a.stop()
	if end := s.next("end"); end.data.Reason == "" {
		a.Errorf("the last event is %+v", end)
	}
	if _, more := <-s.events; more {
		a.Error("there are events behind the last one")
	}
}

// testResume: a stream goes on where another one ended, if that is known, and else begins
// with the document.
func testResume(e *env) {
	a := e.serve()
	first := a.put("doc", `{"n":0}`)
	open := a.follow("doc")
	open.next("document")
	second := a.put("doc", `{"n":1}`)
	third := a.put("doc", `{"n":2}`)
	s := a.follow("doc", "Last-Event-ID", first)
	for _, want := range [][2]string{{first, second}, {second, third}} {
		if e := s.next("changes"); e.data.From != want[0] || e.data.To != want[1] {
			a.Errorf("resumed with %+v, want %v", e, want)
		}
	}
	current := a.follow("doc?last_event_id=" + third)
	fourth := a.put("doc", `{"n":3}`)
	if e := current.next("changes"); e.data.From != third || e.data.To != fourth {
		a.Errorf("the newest resumed with %+v", e)
	}
	other := e.serve() // which has seen nothing, and there is no journal
	for _, last := range []string{first, "7.7.7", "nonsense", "-"} {
		if e := other.follow("doc", "Last-Event-ID", last).next("document"); e.data.Cause != "unknown-version" || e.id != fourth {
			a.Errorf("from %s: resumed with %+v", last, e)
		}
	}
}

// testResumeFromJournal: another server tells each change that a client has missed.
func testResumeFromJournal(e *env) {
	a := e.serve()
	a.raw("POST", "/v1/documents/doc?history=100", `{"n":0}`, "Content-Type", jsonType)
	versions := []string{a.put("doc", `{"n":1}`), a.put("doc", `{"n":2}`)}
	a.raw("DELETE", "/v1/documents/doc", "")
	versions = append(versions, "-", a.put("doc", `{"n":3}`))
	outside := must[[]store.Version](a)(a.store.Commit(a.ctx, store.Put{Path: "/doc", Base: must[store.Version](a)(store.ParseVersion(versions[3])), Data: []byte(`{"n":4}`)},
		store.Append{Path: "/doc", Data: []byte(`{"base":"` + versions[3] + `","changes":[{"kind":"modified","path":["n"],"old":3,"new":4}],"document":{"n":4}}`)}))
	versions = append(versions, outside[0].String())
	a.stop()

	other := e.serve()
	s := other.follow("doc", "Last-Event-ID", versions[0])
	for i := 1; i < len(versions); i++ {
		if e := s.next("changes"); e.data.From != versions[i-1] || e.data.To != versions[i] || e.id != versions[i] {
			a.Errorf("step %d is %+v, want %s to %s", i, e, versions[i-1], versions[i])
		}
	}
	newest := other.put("doc", `{"n":5}`)
	if e := s.next("changes"); e.data.From != versions[len(versions)-1] || e.data.To != newest {
		a.Errorf("and then %+v", e)
	}
}

// testListenersAsTheyCome: a stream tells who has the document open, if it is asked to.
func testListenersAsTheyCome(e *env) {
	a := e.serve()
	version := a.put("doc", `{"a":1}`)
	s := a.follow("doc?listeners=true")
	if e := s.next("listeners"); len(e.data.Listeners) != 0 || e.data.Version != version {
		a.Errorf("at first: %+v", e)
	}
	record := `{"id":"x","app":"other","applied":"` + version + `","status":"applied"}`
	if err := a.store.Announce(a.ctx, "/doc", "x", []byte(record)); err != nil {
		a.Fatal(err)
	}
	if e := s.next("listeners"); len(e.data.Listeners) != 1 || e.data.Listeners[0].App != "other" || *e.data.Listeners[0].Behind != 0 {
		a.Errorf("it came: %+v", e)
	}
	a.put("doc", `{"a":2}`)
	for behind := 0; behind != 1; {
		for _, l := range s.next("listeners").data.Listeners {
			if l.Id == "x" {
				behind = *l.Behind
			}
		}
	}
	if err := a.store.Withdraw(a.ctx, "/doc", "x"); err != nil {
		a.Fatal(err)
	}
	for len(s.next("listeners").data.Listeners) > 0 {
	}
}

// testSlowStream: a client that does not read costs nothing but the document when it reads
// again, and others nothing at all.
func testSlowStream(e *env) {
	a := e.serve(func(cfg *server.Config) { cfg.WriteTimeout = 10 * patience })
	filler := strings.Repeat("x", 500_000)
	a.put("doc", `{"n":0,"filler":"`+filler+`"}`)
	slow := a.follow("doc")
	slow.next("document")
	quick := a.follow("doc")
	quick.next("document")
	var last string
	for n := range 40 { // 20 MB, which fits into no buffers
		last = a.put("doc", `{"n":1,"filler":"`+strings.Repeat(string('a'+rune(n%26)), 500_000)+`"}`)
		for quick.next("changes").id != last {
		}
	}
	for {
		e := slow.next("document")
		if e.data.Cause != "behind" {
			a.Fatalf("it gets %+v", e.data.Cause)
		}
		if e.id == last {
			return
		}
	}
}

// testStreamIsDropped: a client that does not read at all is given up.
func testStreamIsDropped(e *env) {
	a := e.serve(func(cfg *server.Config) { cfg.WriteTimeout, cfg.MaxStreams = 200*time.Millisecond, 1 })
	a.put("doc", `0`)
	a.follow("doc").next("document") // and then it does not read
	for dropped, n := false, 0; !dropped; n++ {
		a.put("doc", `"`+strings.Repeat(string('a'+rune(n%26)), 900_000)+`"`)
		resp, err := a.http.Get(a.url + "/v1/events/doc")
		if err != nil {
			a.Fatal(err)
		}
		dropped = resp.StatusCode == http.StatusOK // there was room for one only
		resp.Body.Close()
		if a.ctx.Err() != nil {
			a.Fatal("it was never given up")
		}
	}
}
