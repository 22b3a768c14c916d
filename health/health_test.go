package health_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/health"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

type config struct {
	Name string `json:"name"`
}

const secret = "xyzzy-4711"

// probe asks a handler, and returns the answer's code and what it says.
func probe(t *testing.T, handler http.Handler) (int, health.Answer) {
	t.Helper()
	recorded := httptest.NewRecorder()
	handler.ServeHTTP(recorded, httptest.NewRequest("GET", "/readyz", nil))
	if strings.Contains(recorded.Body.String(), secret) {
		t.Errorf("a value of the document is seen: %s", recorded.Body)
	}
	var answer health.Answer
	decoder := json.NewDecoder(recorded.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Ready != (recorded.Code == 200) || recorded.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d, %v: %+v", recorded.Code, recorded.Header(), answer)
	}
	return recorded.Code, answer
}

// TestHandler: it is ready as long as Read returns a value, and says of each document why
// it is not.
func TestHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := memstore.New()
		s := &away{Store: other.Attach()}
		st, err := zkstate.Open(t.Context(), s, "/app/config", config{secret})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		fine, err := zkstate.Open(t.Context(), other.Attach(), "/app/other", config{secret})
		if err != nil {
			t.Fatal(err)
		}
		defer fine.Close()
		handler := health.Handler(st, fine)
		is := func(code int, condition zkstate.Condition) {
			t.Helper()
			got, answer := probe(t, handler)
			if got != code || len(answer.Documents) != 2 || answer.Documents[0].Condition != condition || !answer.Documents[1].Ready {
				t.Errorf("%d, %+v, want %d, %s", got, answer, code, condition)
			}
		}
		is(200, zkstate.ConditionGood)
		rec, _ := other.Load(t.Context(), "/app/config", store.Version{}, store.Local)
		versions, err := other.Commit(t.Context(), store.Put{Path: "/app/config", Base: rec.Version, Data: []byte(`{"name":"` + secret)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		is(200, zkstate.ConditionRejected) // Read still serves the last good one
		time.Sleep(31 * time.Second)
		is(503, zkstate.ConditionRejected)
		versions, err = other.Commit(t.Context(), store.Put{Path: "/app/config", Base: versions[0], Data: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		_, _, _ = st.ReadConsistent(t.Context())
		is(200, zkstate.ConditionGood)
		s.gone.Store(true)
		time.Sleep(31 * time.Second)
		is(503, zkstate.ConditionStale)
		s.gone.Store(false)
		time.Sleep(31 * time.Second)
		is(200, zkstate.ConditionGood)
		if _, err := other.Commit(t.Context(), store.Delete{Path: "/app/config", Base: versions[0]}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		_, _, _ = st.ReadConsistent(t.Context())
		is(503, zkstate.ConditionDeleted)
		_ = st.Close()
		is(503, zkstate.ConditionClosed)
	})
}

// away is a store that can be gone.
type away struct {
	store.Store
	gone atomic.Bool
}

func (a *away) Load(ctx context.Context, path string, known store.Version, mode store.Consistency) (store.Record, error) {
	if a.gone.Load() {
		return store.Record{}, store.ErrUnavailable
	}
	return a.Store.Load(ctx, path, known, mode)
}

func (a *away) Watch(path string, every time.Duration, hint func()) store.Watcher {
	return watcher{a.Store.Watch(path, every, hint), a}
}

type watcher struct {
	store.Watcher
	of *away
}

func (w watcher) Confirmed(v store.Version) time.Time {
	if w.of.gone.Load() {
		return time.Time{}
	}
	return w.Watcher.Confirmed(v)
}

func TestMethods(t *testing.T) {
	server := httptest.NewServer(health.Handler())
	defer server.Close()
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "DELETE": 405} {
		request, err := http.NewRequest(method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", method, answer.StatusCode, want)
		}
	}
}

// TestPage: the answer on the page is one that the handler gives.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../docs/OBSERVING.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(page), "\n") {
		if text, found := strings.CutPrefix(line, `    {"ready"`); found {
			decoder := json.NewDecoder(strings.NewReader(`{"ready"` + text))
			decoder.DisallowUnknownFields()
			var answer health.Answer
			if err := decoder.Decode(&answer); err != nil {
				t.Fatal(err)
			}
			if again, err := json.Marshal(answer); err != nil || string(again) != `{"ready"`+text {
				t.Errorf("%s is given as %s, %v", text, again, err)
			}
			return
		}
	}
	t.Error("the page has no answer")
}
