package apitest

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/server/apitest/client"
)

func testHistory(e *env) {
	a := e.serve()
	first := must[*client.CreateDocumentResponse](a)(a.CreateDocumentWithResponse(a.ctx, "doc", &client.CreateDocumentParams{History: ptr(10), Reason: ptr("to begin with")}, map[string]int{"a": 1})).JSON201.Version
	a.raw("PUT", "/v1/documents/doc?reason=because", `{"a":2}`, "Content-Type", jsonType)
	stat := must[*client.GetStatResponse](a)(a.GetStatWithResponse(a.ctx, "doc"))
	if stat.JSON200 == nil || stat.JSON200.Journal != 10 {
		a.Errorf("stat: %s", stat.Body)
	}
	old := must[*client.GetDocumentResponse](a)(a.GetDocumentWithResponse(a.ctx, "doc", &client.GetDocumentParams{At: ptr("0")}))
	if string(old.Body) != `{"a":1}` || old.HTTPResponse.Header.Get("ETag") != `"`+first+`"` {
		a.Errorf("what it was: %s", old.Body)
	}
	never := must[*client.GetDocumentResponse](a)(a.GetDocumentWithResponse(a.ctx, "doc", &client.GetDocumentParams{At: ptr("77")}))
	wantProblem(e, never.ApplicationproblemJSONDefault, never.StatusCode(), http.StatusNotFound, 3)

	stale := must[*client.RollbackDocumentResponse](a)(a.RollbackDocumentWithResponse(a.ctx, "doc", &client.RollbackDocumentParams{To: first, IfMatch: ptr(`"` + first + `"`)}))
	wantProblem(e, stale.ApplicationproblemJSONDefault, stale.StatusCode(), http.StatusPreconditionFailed, 4)
	back := must[*client.RollbackDocumentResponse](a)(a.RollbackDocumentWithResponse(a.ctx, "doc", &client.RollbackDocumentParams{To: first}))
	if back.JSON200 == nil || a.text("doc") != `{"a":1}` {
		a.Errorf("rolled back: %s", back.Body)
	}
	history := must[*client.GetHistoryResponse](a)(a.GetHistoryWithResponse(a.ctx, "doc", nil))
	var reasons []string
	for _, entry := range history.JSON200.Entries {
		reasons = append(reasons, entry.Who.User+": "+entry.Reason)
	}
	if want := []string{"ann: to begin with", "ann: because", "ann: rollback to " + first}; !slices.Equal(reasons, want) {
		a.Errorf("history: %q, want %q", reasons, want)
	}
	newest := must[*client.GetHistoryResponse](a)(a.GetHistoryWithResponse(a.ctx, "doc", &client.GetHistoryParams{Newest: ptr(1)}))
	if len(newest.JSON200.Entries) != 1 || newest.JSON200.Entries[0].Version != back.JSON200.Version {
		a.Errorf("the newest: %s", newest.Body)
	}
	a.raw("PUT", "/v1/documents/plain", `1`, "Content-Type", jsonType)
	off := must[*client.GetHistoryResponse](a)(a.GetHistoryWithResponse(a.ctx, "plain", nil))
	wantProblem(e, off.ApplicationproblemJSONDefault, off.StatusCode(), http.StatusNotFound, 3)
}

// strict is a type that does not take every document.
type strict struct {
	A int `json:"a"`
}

func (s *strict) Validate() error {
	if s.A < 0 {
		return errors.New("a is negative")
	}
	return nil
}

// testWait: a change waits for those who have the document open, and names those who refuse it.
func testWait(e *env) {
	a := e.serve()
	st, err := zkstate.Open(a.ctx, e.open(), "/doc", strict{1}, zkstate.WithID("reader"))
	if err != nil {
		a.Fatal(err)
	}
	defer st.Close()
	applied := must[*client.PutDocumentResponse](a)(a.PutDocumentWithResponse(a.ctx, "doc", &client.PutDocumentParams{Wait: ptr("all")}, strict{2}))
	if value, version, err := st.ReadConsistent(a.ctx); applied.JSON200 == nil || err != nil || value.A != 2 || version.String() != applied.JSON200.Version {
		a.Fatalf("applied: %s; it has %v at %v, %v", applied.Body, value, version, err)
	}
	refused := must[*client.PutDocumentResponse](a)(a.PutDocumentWithResponse(a.ctx, "doc", &client.PutDocumentParams{Wait: ptr("all")}, strict{-1}))
	wantProblem(e, refused.ApplicationproblemJSON202, refused.StatusCode(), http.StatusAccepted, 8)
	p := refused.ApplicationproblemJSON202
	if p == nil || p.Version == nil || p.Pending == nil || len(*p.Pending) != 1 || (*p.Pending)[0].Id != "reader" || (*p.Pending)[0].Status != "rejected" {
		a.Fatalf("refused: %s", refused.Body)
	}
	found := must[*client.GetListenersResponse](a)(a.GetListenersWithResponse(a.ctx, "doc"))
	i := slices.IndexFunc(found.JSON200.Listeners, func(l client.Listener) bool { return l.Id == "reader" })
	if found.JSON200.Version != *p.Version || i < 0 || found.JSON200.Listeners[i].Behind == nil || *found.JSON200.Listeners[i].Behind != 1 {
		a.Errorf("listeners: %s", found.Body)
	}
	a.raw("POST", "/v1/documents/new?wait=all", `1`, "Content-Type", jsonType)
	if got := a.text("new"); got != "1" {
		a.Errorf("created with a wait: %s", got)
	}
}

func testViews(e *env) {
	a := e.serve()
	for _, path := range []string{"app/a", "app/b/c", "top"} {
		a.raw("POST", "/v1/documents/"+path, `{}`, "Content-Type", jsonType)
	}
	tree := must[*client.GetTreeResponse](a)(a.GetTreeWithResponse(a.ctx, nil))
	if places := tree.JSON200.Places; len(places) != 2 || places[0].Path != "/app" || places[0].Version != nil || places[1].Path != "/top" || *places[1].Size != 2 {
		a.Errorf("the tree: %s", tree.Body)
	}
	below := must[*client.GetTreeResponse](a)(a.GetTreeWithResponse(a.ctx, &client.GetTreeParams{Folder: ptr("/app"), Recursive: ptr(true)}))
	if places := below.JSON200.Places; len(places) != 2 || places[1].Path != "/app/b/c" {
		a.Errorf("below /app: %s", below.Body)
	}
	same := must[*client.GetTreeResponse](a)(a.GetTreeWithResponse(a.ctx, &client.GetTreeParams{Folder: ptr("/app"), Recursive: ptr(true), IfNoneMatch: ptr(below.HTTPResponse.Header.Get("ETag"))}))
	if same.StatusCode() != http.StatusNotModified {
		a.Errorf("the same tree: %d", same.StatusCode())
	}
	lock, err := a.store.Lock(a.ctx, "/top", "holder")
	if err != nil {
		a.Fatal(err)
	}
	locks := must[*client.GetLocksResponse](a)(a.GetLocksWithResponse(a.ctx, "top"))
	if queue := locks.JSON200.Queue; len(queue) != 1 || queue[0].Id != "holder" || queue[0].Key == "" {
		a.Errorf("the lock: %s", locks.Body)
	}
	if err := lock.Unlock(a.ctx); err != nil {
		a.Error(err)
	}
	info := must[*client.GetServerResponse](a)(a.GetServerWithResponse(a.ctx))
	if info.JSON200 == nil || !info.JSON200.Write || info.JSON200.Actor != "ann" {
		a.Errorf("the server: %s", info.Body)
	}
}

// testHostileContent: what others wrote comes as JSON, whatever it is.
func testHostileContent(e *env) {
	a := e.serve()
	hostile := `</script><script>alert(1)</script>` + "\u2028\x1b[31m\u202e"
	reason, _ := json.Marshal(hostile)
	a.raw("POST", "/v1/documents/doc?history=5&reason=%3Cscript%3E", string(reason), "Content-Type", jsonType)
	resp, body := a.raw("GET", "/v1/documents/%3Cscript%3E%20none", "")
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/problem+json" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		a.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	history := must[*client.GetHistoryResponse](a)(a.GetHistoryWithResponse(a.ctx, "doc", nil))
	if got := history.JSON200.Entries[0].Reason; got != "<script>" {
		a.Errorf("the reason is %q", got)
	}
}
