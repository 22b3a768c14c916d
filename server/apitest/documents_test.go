package apitest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/server/apitest/client"
	"github.com/zkstate/zkstate/store"
)

const (
	jsonType  = "application/json"
	mergeType = "application/merge-patch+json"
	patchType = "application/json-patch+json"
)

// text is the document as it is stored.
func (a *api) text(path string) string {
	a.Helper()
	resp, body := a.raw("GET", "/v1/documents/"+path+"?consistent", "")
	if resp.StatusCode != http.StatusOK {
		a.Fatalf("GET %s: %d %s", path, resp.StatusCode, body)
	}
	return body
}

// wantProblem checks what a request that failed was told.
func wantProblem(t testing.TB, p *client.Problem, got, status, exit int) {
	t.Helper()
	if p == nil || got != status || p.Status != status || int(p.Exit) != exit || p.Detail == "" || !strings.HasPrefix(p.Type, "https://") {
		t.Errorf("answered %d with %+v, want %d and the kind %d", got, p, status, exit)
	}
}

func testDocument(e *env) {
	a := e.serve()
	created := must[*client.CreateDocumentResponse](a)(a.CreateDocumentWithResponse(a.ctx, "app/config", nil, map[string]any{"list": []int{1}}))
	if created.StatusCode() != http.StatusCreated || created.HTTPResponse.Header.Get("Location") != "/v1/documents/app%2Fconfig" {
		a.Fatalf("created: %d %s, %v", created.StatusCode(), created.Body, created.HTTPResponse.Header)
	}
	first := created.JSON201.Version
	again := must[*client.CreateDocumentResponse](a)(a.CreateDocumentWithResponse(a.ctx, "app/config", nil, 1))
	wantProblem(e, again.ApplicationproblemJSONDefault, again.StatusCode(), http.StatusConflict, 4)

	got := must[*client.GetDocumentResponse](a)(a.GetDocumentWithResponse(a.ctx, "app/config", nil))
	tag := got.HTTPResponse.Header.Get("ETag")
	if string(got.Body) != `{"list":[1]}` || tag != `"`+first+`"` {
		a.Errorf("got %s at %s", got.Body, tag)
	}
	same := must[*client.GetDocumentResponse](a)(a.GetDocumentWithResponse(a.ctx, "app/config", &client.GetDocumentParams{IfNoneMatch: &tag}))
	if same.StatusCode() != http.StatusNotModified {
		a.Errorf("what the client has: %d", same.StatusCode())
	}

	appended := must[*client.PutDocumentResponse](a)(a.PutDocumentWithResponse(a.ctx, "app/config", &client.PutDocumentParams{Pointer: ptr("/list/-"), IfMatch: &tag}, "x"))
	if appended.StatusCode() != http.StatusOK || a.text("app/config") != `{"list":[1,"x"]}` {
		a.Fatalf("appended: %s, and it is %s", appended.Body, a.text("app/config"))
	}
	moved := must[*client.PutDocumentResponse](a)(a.PutDocumentWithResponse(a.ctx, "app/config", &client.PutDocumentParams{IfMatch: &tag}, 1))
	wantProblem(e, moved.ApplicationproblemJSONDefault, moved.StatusCode(), http.StatusPreconditionFailed, 4)
	if p := moved.ApplicationproblemJSONDefault; p == nil || p.Version == nil || *p.Version != appended.JSON200.Version {
		a.Errorf("the conflict does not say which version there is: %s", moved.Body)
	}
	value := must[*client.GetDocumentResponse](a)(a.GetDocumentWithResponse(a.ctx, "app/config", &client.GetDocumentParams{Pointer: ptr("/list/1")}))
	if string(value.Body) != `"x"` {
		a.Errorf("at the pointer: %s", value.Body)
	}
	unset := must[*client.DeleteDocumentResponse](a)(a.DeleteDocumentWithResponse(a.ctx, "app/config", &client.DeleteDocumentParams{Pointer: ptr("/list/0")}))
	if unset.StatusCode() != http.StatusOK || a.text("app/config") != `{"list":["x"]}` {
		a.Errorf("unset: %s, and it is %s", unset.Body, a.text("app/config"))
	}
	gone := must[*client.DeleteDocumentResponse](a)(a.DeleteDocumentWithResponse(a.ctx, "app/config", &client.DeleteDocumentParams{IfMatch: ptr("*")}))
	if gone.StatusCode() != http.StatusNoContent {
		a.Errorf("deleted: %d %s", gone.StatusCode(), gone.Body)
	}
	absent := must[*client.GetDocumentResponse](a)(a.GetDocumentWithResponse(a.ctx, "app/config", nil))
	wantProblem(e, absent.ApplicationproblemJSONDefault, absent.StatusCode(), http.StatusNotFound, 3)
}

// testPut: it replaces and creates, as far as the preconditions let it.
func testPut(e *env) {
	a := e.serve()
	for _, c := range []struct {
		query, header, value string
		body                 string
		status               int
	}{
		{"", "If-Match", "*", `1`, http.StatusPreconditionFailed}, // there is none
		{"", "If-Match", `"3"`, `1`, http.StatusPreconditionFailed},
		{"?pointer=/a", "", "", `1`, http.StatusNotFound},
		{"", "", "", `{"a":1}`, http.StatusCreated},
		{"", "", "", `{ "a" : 1.0 }`, http.StatusOK},
		{"", "If-None-Match", "*", `2`, http.StatusPreconditionFailed},
		{"?pointer=/a", "If-None-Match", "*", `2`, http.StatusPreconditionFailed},
		{"?dry_run", "If-None-Match", "*", `2`, http.StatusPreconditionFailed},
		{"", "If-Match", `"0"`, `2`, http.StatusPreconditionFailed}, // by its number
		{"", "If-Match", `"1"`, `{"a":2}`, http.StatusOK},
		{"?wait=all&timeout=5", "If-Match", "*", `{"a":3}`, http.StatusOK}, // nobody listens
		{"?dry_run", "", "", `{"a":4}`, http.StatusOK},
		{"?dry_run", "If-Match", `"9"`, `{"a":4}`, http.StatusPreconditionFailed},
		{"?pointer=/x/y", "", "", `1`, http.StatusNotFound},
		{"?pointer=x", "", "", `1`, http.StatusBadRequest},
		{"", "", "", `{"a":1,"a":2}`, http.StatusUnprocessableEntity},
		{"?wait=0", "", "", `1`, http.StatusBadRequest},
		{"?timeout=61", "", "", `1`, http.StatusBadRequest},
		{"?reasons=x", "", "", `1`, http.StatusBadRequest},
		{"?reason=x&reason=y", "", "", `1`, http.StatusBadRequest},
		{"", "If-Match", `W/"1"`, `1`, http.StatusBadRequest},
		{"", "If-Match", `"x"`, `1`, http.StatusBadRequest},
		{"", "Content-Encoding", "gzip", `1`, http.StatusUnsupportedMediaType},
		{"", "Content-Type", "text/plain", `1`, http.StatusUnsupportedMediaType},
	} {
		headers := []string{"Content-Type", jsonType}
		if c.header != "" {
			headers = append(headers, c.header, c.value)
		}
		if resp, body := a.raw("PUT", "/v1/documents/doc"+c.query, c.body, headers...); resp.StatusCode != c.status {
			a.Errorf("PUT %s, %s: %s, %s: %d %s, want %d", c.query, c.header, c.value, c.body, resp.StatusCode, body, c.status)
		}
	}
	if got := a.text("doc"); got != `{"a":3}` {
		a.Errorf("it is %s", got)
	}
}

func testPatch(e *env) {
	a := e.serve()
	a.raw("PUT", "/v1/documents/doc", "{\n  \"a\": 1,\n  \"n\": 9007199254740993\n}", "Content-Type", jsonType)
	for _, c := range []struct {
		kind, query, patch string
		status             int
		want               string
	}{
		{mergeType, "", `{"b":{"c":null,"d":[2]},"a":null}`, http.StatusOK, "{\n  \"n\": 9007199254740993,\n  \"b\": {\"d\":[2]}\n}"},
		{patchType, "?reason=x", `[{"op":"test","path":"/n","value":9007199254740993},{"op":"remove","path":"/b"}]`, http.StatusOK, "{\n  \"n\": 9007199254740993\n}"},
		{patchType, "", `[{"op":"test","path":"/n","value":1}]`, http.StatusConflict, ""},
		{patchType, "", `[{"op":"remove","path":"/none"}]`, http.StatusNotFound, ""},
		{patchType, "", `[{"op":"remove","path":""}]`, http.StatusUnprocessableEntity, ""},
		{patchType, "", `[{"op":"jump","path":""}]`, http.StatusUnprocessableEntity, ""},
		{patchType, "", `{}`, http.StatusUnprocessableEntity, ""},
		{jsonType, "", `{}`, http.StatusUnsupportedMediaType, ""},
		{mergeType, "?dry_run=true", `{"n":1}`, http.StatusOK, ""},
		{mergeType, "?pointer=/n", `1`, http.StatusBadRequest, ""},
	} {
		before := a.text("doc")
		resp, body := a.raw("PATCH", "/v1/documents/doc"+c.query, c.patch, "Content-Type", c.kind)
		if c.want == "" {
			c.want = before
		}
		if got := a.text("doc"); resp.StatusCode != c.status || got != c.want {
			a.Errorf("%s: %d %s, want %d; it is %q, want %q", c.patch, resp.StatusCode, body, c.status, got, c.want)
		}
	}
	if resp, body := a.raw("PATCH", "/v1/documents/none", `{}`, "Content-Type", mergeType); resp.StatusCode != http.StatusNotFound {
		a.Errorf("what is not there: %d %s", resp.StatusCode, body)
	}
}

// testDryRun tells what would change.
func testDryRun(e *env) {
	a := e.serve()
	made := must[*client.PutDocumentResponse](a)(a.PutDocumentWithResponse(a.ctx, "doc", &client.PutDocumentParams{DryRun: ptr(true)}, 1))
	if made.JSON200 == nil || made.JSON200.Version != "-" || made.JSON200.Changes == nil || len(*made.JSON200.Changes) != 1 {
		a.Fatalf("creating: %s", made.Body)
	}
	version := must[*client.PutDocumentResponse](a)(a.PutDocumentWithResponse(a.ctx, "doc", nil, map[string]int{"a": 1})).JSON201.Version
	merged := must[*client.PatchDocumentResponse](a)(a.PatchDocumentWithApplicationMergePatchPlusJSONBodyWithResponse(a.ctx, "doc", &client.PatchDocumentParams{DryRun: ptr(true)}, map[string]int{"a": 2, "b": 3}))
	if merged.JSON200 == nil || merged.JSON200.Version != version || len(*merged.JSON200.Changes) != 2 || (*merged.JSON200.Changes)[1].Pointer != "/b" {
		a.Errorf("merging: %s", merged.Body)
	}
}

// testRejected: a broken document can be seen and healed, and everything else says where it
// is broken.
func testRejected(e *env) {
	a := e.serve()
	version := must[[]store.Version](a)(a.store.Commit(a.ctx, store.Create{Path: "/doc", Data: []byte(`{"a":`)}))[0]
	got := must[*client.GetDocumentResponse](a)(a.GetDocumentWithResponse(a.ctx, "doc", nil))
	wantProblem(e, got.ApplicationproblemJSONDefault, got.StatusCode(), http.StatusConflict, 6)
	if p := got.ApplicationproblemJSONDefault; p != nil && (p.Version == nil || *p.Version != version.String() || p.Offset == nil || *p.Offset != 5) {
		a.Errorf("it says %s", got.Body)
	}
	resp, body := a.raw("GET", "/v1/documents/doc?raw=true", "")
	if body != `{"a":` || resp.Header.Get("Content-Type") != "application/octet-stream" {
		a.Errorf("raw: %s", body)
	}
	patched := must[*client.PatchDocumentResponse](a)(a.PatchDocumentWithApplicationMergePatchPlusJSONBodyWithResponse(a.ctx, "doc", nil, 1))
	wantProblem(e, patched.ApplicationproblemJSONDefault, patched.StatusCode(), http.StatusConflict, 6)
	if resp, body := a.raw("PUT", "/v1/documents/doc", `{"a":1}`, "Content-Type", jsonType, "If-Match", `"`+version.String()+`"`); resp.StatusCode != http.StatusOK || a.text("doc") != `{"a":1}` {
		a.Errorf("healing: %d %s", resp.StatusCode, body)
	}
}
