package zkstate_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
	"github.com/zkstate/zkstate/store/storetest"
)

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		faults := storetest.Inject(mem)
		st, err := zkstate.Open(t.Context(), faults, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		want := func(what string, errs ...error) zkstate.Health {
			t.Helper()
			h := st.Health()
			for _, err := range errs {
				if !errors.Is(h.Err, err) {
					t.Errorf("%s: %v, want %v", what, h.Err, err)
				}
			}
			if len(errs) == 0 && h.Err != nil {
				t.Errorf("%s: %v", what, h.Err)
			}
			return h
		}
		if h := want("open"); !h.Connected || h.Age != 0 || h.Version.IsZero() || h.Verified.IsZero() {
			t.Errorf("right after Open: %+v", h)
		}
		faults.Fail(store.ErrUnavailable)
		time.Sleep(time.Minute)
		if h := want("store away", zkstate.ErrUnavailable); h.Age < 50*time.Second {
			t.Errorf("store away for a minute: %+v", h)
		}
		faults.Fail(nil)
		time.Sleep(2 * zkstate.DefaultRefresh)
		want("store back")
		put := func(doc string) {
			rec, err := mem.Load(t.Context(), "/app/config", store.Version{}, store.Local)
			if err == nil {
				_, err = mem.Commit(t.Context(), store.Put{Path: "/app/config", Base: rec.Version, Data: []byte(doc)})
			}
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		put(`{`)
		want("broken document", zkstate.ErrRejected)
		put(`{"interval":2}`)
		want("healed")
		if err := st.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("deleted", zkstate.ErrDeleted)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		want("closed", zkstate.ErrClosed)
	})
}
