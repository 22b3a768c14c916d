package zkstate_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

func TestListenerRecords(t *testing.T) {
	eachStore(t, func(e *env) {
		a := e.open(zkstate.WithID("a"), zkstate.WithApp("agent"))
		b := e.open(zkstate.WithID("b"))
		found, err := a.Listeners(e.ctx)
		if err != nil || len(found) != 2 {
			e.Fatalf("%+v, %v", found, err)
		}
		host, _ := os.Hostname()
		snap, _ := a.Snapshot()
		got := found[0]
		if got.ID != "a" || got.App != "agent" || got.PID != os.Getpid() || got.Host != host || got.Applied != snap.Version ||
			got.Status != zkstate.StatusApplied || got.Reason != "" || time.Since(got.Since) > time.Minute {
			e.Errorf("record %+v", got)
		}
		if err := b.Close(); err != nil {
			e.Fatal(err)
		}
		if found, err := a.Listeners(e.ctx); err != nil || len(found) != 1 || found[0].ID != "a" {
			e.Errorf("after one left: %+v, %v", found, err)
		}
		v, err := a.Update(e.ctx, bump)
		if err != nil {
			e.Fatal(err)
		}
		e.eventually("the record says what was applied", func() bool {
			found, err := a.Listeners(e.ctx)
			return err == nil && len(found) == 1 && found[0].Applied == v
		})
	})
}

// TestListenerRecordForm holds the field names, which other languages read.
func TestListenerRecordForm(t *testing.T) {
	mem := memstore.New()
	st, err := zkstate.Open(t.Context(), mem, "/app/config", initial(), zkstate.WithID("me"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	records, err := mem.Listeners(t.Context(), "/app/config")
	if err != nil || len(records) != 1 || records[0].ID != "me" {
		t.Fatalf("%+v, %v", records, err)
	}
	var fields map[string]any
	if err := json.Unmarshal(records[0].Data, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id", "host", "pid", "app", "since", "applied", "status"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("record %s lacks %q", records[0].Data, name)
		}
	}
}

func TestForeignListenerRecords(t *testing.T) {
	mem := memstore.New()
	st, err := zkstate.Open(t.Context(), mem, "/app/config", initial(), zkstate.WithID("z"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	for id, data := range map[string]string{"empty": "", "text": "not JSON", "liar": `{"id":"somebody else","status":"applied"}`} {
		if err := mem.Announce(t.Context(), "/app/config", id, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := st.Listeners(t.Context())
	if err != nil || len(found) != 4 {
		t.Fatalf("%+v, %v", found, err)
	}
	if found[0].ID != "empty" || found[0].Status != zkstate.StatusUnknown || found[1].ID != "liar" || found[2].Status != zkstate.StatusUnknown {
		t.Errorf("%+v", found)
	}
}

// TestRecordIsWrittenAtMostOnceASecond: the first change after a quiet second at
// once, many changes in one write, none without a change.
func TestRecordIsWrittenAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		counted := &announceCounter{Store: mem}
		st, err := zkstate.Open(t.Context(), counted, "/app/config", initial())
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		applied := func() zkstate.Version {
			synctest.Wait()
			found, err := st.Listeners(t.Context())
			if err != nil || len(found) != 1 {
				t.Fatalf("%+v, %v", found, err)
			}
			return found[0].Applied
		}
		time.Sleep(time.Minute)
		if counted.n != 1 {
			t.Fatalf("%d writes in a quiet minute after the first", counted.n-1)
		}
		v, err := st.Update(t.Context(), bump)
		if err != nil {
			t.Fatal(err)
		}
		if got := applied(); got != v {
			t.Errorf("right after the first change the record says %v, not %v", got, v)
		}
		for range 100 {
			if v, err = st.Update(t.Context(), bump); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond) // 5 s in all
		}
		time.Sleep(2 * time.Second)
		if got := applied(); got != v {
			t.Errorf("at rest the record says %v, not %v", got, v)
		}
		if counted.n > 2+10 {
			t.Errorf("%d writes in 7 seconds", counted.n-2)
		}
	})
}

// TestTakenIDIsTakenOver: a program that restarts under its own name finds its
// predecessor's record for a while, and follows as soon as that is gone.
func TestTakenIDIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		before := mem.Attach()
		if err := before.Announce(t.Context(), "/app/config", "me", []byte("predecessor")); err != nil {
			t.Fatal(err)
		}
		st, err := zkstate.Open(t.Context(), mem, "/app/config", initial(), zkstate.WithID("me"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if found, _ := mem.Listeners(t.Context(), "/app/config"); len(found) != 1 || string(found[0].Data) != "predecessor" {
			t.Fatalf("another's record was touched: %+v", found)
		}
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if found, err := st.Listeners(t.Context()); err != nil || len(found) != 1 || found[0].PID != os.Getpid() {
			t.Fatalf("not taken over: %+v, %v", found, err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// announceCounter counts the writes of listener records.
type announceCounter struct {
	store.Store
	n int
}

func (a *announceCounter) Announce(ctx context.Context, path, id string, data []byte) error {
	a.n++
	return a.Store.Announce(ctx, path, id, data)
}
