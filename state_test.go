package zkstate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

func TestOpenCreatesAndAttaches(t *testing.T) {
	eachStore(t, func(e *env) {
		var group sync.WaitGroup
		states := make([]*zkstate.State[config], 8)
		for i := range states {
			s := e.handle()
			group.Go(func() {
				mine := initial()
				mine.Interval = i
				st, err := zkstate.Open(e.ctx, s, "/app/config", mine)
				if err != nil {
					e.Error(err)
					return
				}
				states[i] = st
			})
		}
		group.Wait()
		var values []config
		for _, st := range states {
			if st == nil {
				continue
			}
			defer closeState(e.T, st)
			got, err := st.Read()
			if err != nil {
				e.Fatal(err)
			}
			values = append(values, got)
		}
		for _, v := range values {
			if diff := cmp.Diff(values[0], v); diff != "" {
				e.Errorf("two instances opened on different documents: %s", diff)
			}
		}
		if got := e.raw().load(); got.Version.Counter() != 0 {
			e.Errorf("opening committed more than the creation: %v", got.Version)
		}
	})
}

func TestOpenWritesWhatEncodingJSONWrites(t *testing.T) {
	eachStore(t, func(e *env) {
		e.open()
		if got, want := string(e.raw().load().Data), `{"processes":["systemd*","rsync*"],"interval":1}`; got != want {
			e.Errorf("stored %s, want %s", got, want)
		}
	})
}

func TestExpectWaitsForCreation(t *testing.T) {
	eachStore(t, func(e *env) {
		ready := e.handle()
		if _, err := ready.Load(e.ctx, "/app/config", store.Version{}, store.Linearizable); !errors.Is(err, store.ErrNotFound) {
			e.Fatal(err)
		}
		short, cancel := context.WithTimeout(e.ctx, 200*time.Millisecond)
		defer cancel()
		_, err := zkstate.Expect[config](short, ready, "/app/config")
		if !errors.Is(err, zkstate.ErrNotFound) || !errors.Is(err, context.DeadlineExceeded) {
			e.Fatalf("Expect on nothing: %v", err)
		}
		opened := make(chan error, 1)
		s := e.handle()
		go func() {
			st, err := zkstate.Expect[config](e.ctx, s, "/app/config")
			if err == nil {
				got, readErr := st.Read()
				if readErr != nil || got.Interval != 7 {
					e.Errorf("expected copy is %+v, %v", got, readErr)
				}
				closeState(e.T, st)
			}
			opened <- err
		}()
		e.raw().create(`{"interval":7}`)
		if err := <-opened; err != nil {
			e.Fatal(err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	ctx := t.Context()
	s := memstore.New()
	bad := initial()
	bad.Interval = -1
	if _, err := zkstate.Open(ctx, s, "/app/config", bad); !errors.Is(err, errNegative) {
		t.Errorf("invalid initial value: %v", err)
	}
	if _, err := zkstate.Open(ctx, nil, "/app/config", initial()); !errors.Is(err, zkstate.ErrUnavailable) {
		t.Errorf("nil store: %v", err)
	}
	for _, path := range []string{"", "relative", "/zookeeper/x", "/a//b"} {
		if _, err := zkstate.Open(ctx, s, path, initial()); !errors.Is(err, zkstate.ErrInvalidPath) {
			t.Errorf("path %q: %v", path, err)
		}
	}
	if _, err := zkstate.Open(ctx, s, "/app", initial(), zkstate.WithID("no spaces")); !errors.Is(err, zkstate.ErrInvalidID) {
		t.Errorf("bad id: %v", err)
	}
	for _, opt := range []zkstate.OpenOption{zkstate.NoCreate(), zkstate.Observer()} {
		if _, err := zkstate.Open(ctx, s, "/app", initial(), opt); !errors.Is(err, zkstate.ErrNotFound) || !strings.Contains(err.Error(), "/app") {
			t.Errorf("absent document: %v", err)
		}
	}
	huge := initial()
	huge.Processes = []string{strings.Repeat("x", 2<<20)}
	if _, err := zkstate.Open(ctx, s, "/app", huge); !errors.Is(err, zkstate.ErrTooLarge) {
		t.Errorf("2 MB document: %v", err)
	}
	if _, err := s.Load(ctx, "/app", store.Version{}, store.Local); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a refused Open left a document: %v", err)
	}
}

func TestOpenSaysWhatIsUnreachable(t *testing.T) {
	faults := storetest.Inject(memstore.New())
	faults.Fail(store.ErrUnavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := zkstate.Open(ctx, faults, "/app/config", initial())
	if !errors.Is(err, zkstate.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("unreachable store: %v", err)
	}
}

func TestOpenWaitsForAStoreThatComesBack(t *testing.T) {
	faults := storetest.Inject(memstore.New())
	faults.Fail(store.ErrUnavailable)
	time.AfterFunc(20*time.Millisecond, func() { faults.Fail(nil) })
	st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	closeState(t, st)
}

func TestObserverWritesNothing(t *testing.T) {
	eachStore(t, func(e *env) {
		e.raw().create(`{"interval":3}`)
		faults := storetest.Inject(e.handle())
		st := openOn(e, faults, zkstate.Observer())
		if got, _, err := st.ReadConsistent(e.ctx); err != nil || got.Interval != 3 {
			e.Fatalf("observer reads %+v, %v", got, err)
		}
		if _, err := st.Update(e.ctx, func(c *config) error { c.Interval++; return nil }); !errors.Is(err, zkstate.ErrReadOnly) {
			e.Errorf("observer updates: %v", err)
		}
		if err := st.Delete(e.ctx); !errors.Is(err, zkstate.ErrReadOnly) {
			e.Errorf("observer deletes: %v", err)
		}
		if found, err := st.Listeners(e.ctx); err != nil || len(found) != 0 {
			e.Errorf("listeners of an observed document: %v, %v", found, err)
		}
		if _, commits := faults.Calls(); commits != 0 {
			e.Errorf("an observer committed %d times", commits)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	eachStore(t, func(e *env) {
		st := e.open()
		ended := make(chan struct{})
		go func() {
			for range st.Changes(e.ctx) {
			}
			close(ended)
		}()
		for range 2 {
			if err := st.Close(); err != nil {
				e.Fatal(err)
			}
		}
		<-ended
		if _, err := st.Read(); !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("Read after Close: %v", err)
		}
		if _, _, err := st.ReadConsistent(e.ctx); !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("ReadConsistent after Close: %v", err)
		}
		if snap, err := st.Snapshot(); !errors.Is(err, zkstate.ErrClosed) || snap.Value.Interval != 1 {
			e.Errorf("Snapshot after Close: %+v, %v", snap, err)
		}
		if _, err := st.Update(e.ctx, func(*config) error { return nil }); !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("Update after Close: %v", err)
		}
		if err := st.Delete(e.ctx); !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("Delete after Close: %v", err)
		}
		if _, err := st.Listeners(e.ctx); !errors.Is(err, zkstate.ErrClosed) {
			e.Errorf("Listeners after Close: %v", err)
		}
		if found, err := e.handle().Listeners(e.ctx, "/app/config"); err != nil || len(found) != 0 {
			e.Errorf("listener record after Close: %v, %v", found, err)
		}
	})
}

func TestCloseIsBoundedWhenTheStoreHangs(t *testing.T) {
	faults := storetest.Inject(memstore.New())
	st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
	if err != nil {
		t.Fatal(err)
	}
	faults.Hang(true)
	waiting := make(chan error, 1)
	go func() {
		_, _, err := st.ReadConsistent(t.Context())
		waiting <- err
	}()
	start := time.Now()
	if err := st.Close(); err == nil {
		t.Error("Close says that it removed the record from a store that hangs")
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("Close took %v", took)
	}
	if err := <-waiting; !errors.Is(err, zkstate.ErrClosed) {
		t.Errorf("a call under way at Close: %v", err)
	}
}

func TestExpectSaysWhatIsUnreachable(t *testing.T) {
	faults := storetest.Inject(memstore.New())
	for name, fault := range map[string]func(){
		"failing": func() { faults.Fail(store.ErrUnavailable) },
		"hung":    func() { faults.Fail(nil); faults.Hang(true) },
	} {
		fault()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		if _, err := zkstate.Expect[config](ctx, faults, "/app/config"); !errors.Is(err, zkstate.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, zkstate.ErrNotFound) {
			t.Errorf("%s store: %v", name, err)
		}
		if _, err := zkstate.Open(ctx, faults, "/app/config", initial()); !errors.Is(err, zkstate.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s store: %v", name, err)
		}
		cancel()
	}
}

// TestCreateOnly: it creates, with its reason in the journal, and leaves alone what is there,
// good or not, the journal too.
func TestCreateOnly(t *testing.T) {
	eachStore(t, func(e *env) {
		create := func(opts ...zkstate.OpenOption) (*zkstate.State[config], error) {
			return zkstate.Open(e.ctx, e.handle(), "/app/config", initial(), append(opts, zkstate.CreateOnly())...)
		}
		st, err := create(zkstate.WithHistory(5), zkstate.WithCreateReason("the first"))
		if err != nil {
			e.Fatal(err)
		}
		defer closeState(e.T, st)
		r := e.raw()
		if v, ok := st.Created(); !ok || v != r.load().Version {
			e.Errorf("created at %v, %v", v, ok)
		}
		if entries, err := st.History(e.ctx); err != nil || len(entries) != 1 || entries[0].Reason != "the first" {
			e.Errorf("%+v, %v", entries, err)
		}
		if err := r.s.SetJournal(e.ctx, "/app/config", 0); err != nil {
			e.Fatal(err)
		}
		other := e.open()
		if v, ok := other.Created(); ok || !v.IsZero() {
			e.Errorf("who attaches created it at %v", v)
		}
		wantExists := func(opts ...zkstate.OpenOption) {
			e.Helper()
			if _, err := create(opts...); !errors.Is(err, zkstate.ErrExists) || !strings.Contains(err.Error(), "/app/config") {
				e.Errorf("there is a document: %v", err)
			}
		}
		wantExists()
		r.put(`{"interval":-1}`)
		wantExists(zkstate.WithHistory(5))
		if keep, _, err := r.s.Journal(e.ctx, "/app/config", 0); err != nil || keep != 0 {
			e.Errorf("the journal of another one's document was switched on: %d, %v", keep, err)
		}
	})
}

// TestCreateOnlyExcludes: options that contradict each other are refused before anything is
// sent.
func TestCreateOnlyExcludes(t *testing.T) {
	for _, opt := range []zkstate.OpenOption{zkstate.NoCreate(), zkstate.Observer()} {
		if _, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial(), zkstate.CreateOnly(), opt); err == nil || !strings.Contains(err.Error(), "/app/config") {
			t.Error(err)
		}
	}
	if _, err := zkstate.Expect[config](t.Context(), memstore.New(), "/app/config", zkstate.CreateOnly()); err == nil {
		t.Error("Expect creates")
	}
}

// TestCreateOnlyIgnoresTheCache: a cached copy is of an older document.
func TestCreateOnlyIgnoresTheCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	s := memstore.New()
	cached(t, s, file)
	if _, err := zkstate.Open(t.Context(), s, "/app/config", initial(), zkstate.CreateOnly(), zkstate.WithCache(file)); !errors.Is(err, zkstate.ErrExists) {
		t.Error(err)
	}
}

// TestCreateOnlyOfALostAnswer: whether the document is ours is not known then, and not
// claimed either way.
func TestCreateOnlyOfALostAnswer(t *testing.T) {
	s := &forgetful{Store: memstore.New()}
	if _, err := zkstate.Open(t.Context(), s, "/app/config", initial(), zkstate.CreateOnly()); !errors.Is(err, zkstate.ErrUnknownOutcome) {
		t.Error(err)
	}
}

// forgetful is a store that applies creations and loses the answer.
type forgetful struct{ store.Store }

func (f *forgetful) Commit(ctx context.Context, ops ...store.Op) ([]store.Version, error) {
	versions, err := f.Store.Commit(ctx, ops...)
	if _, creates := ops[0].(store.Create); creates && err == nil {
		return nil, fmt.Errorf("commit: %w", store.ErrUnknownOutcome)
	}
	return versions, err
}

// TestRawDocument: a document that is opened as a json.RawMessage is created byte by byte.
func TestRawDocument(t *testing.T) {
	s, text := memstore.New(), "{ \"a\" :\t1.0 }\n"
	st, err := zkstate.Open(t.Context(), s, "/raw", json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	rec, err := s.Load(t.Context(), "/raw", store.Version{}, store.Linearizable)
	if err != nil || string(rec.Data) != text {
		t.Errorf("%q, %v", rec.Data, err)
	}
}
