package zkstate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// TestPrintingAStateShowsNoValues: a State ends up in logs by accident.
func TestPrintingAStateShowsNoValues(t *testing.T) {
	st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", config{Processes: []string{"secret"}}, zkstate.WithID("me"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&out, verb+"\n", st)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "state", st)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "state", st)
	if said := out.String(); strings.Contains(said, "secret") || strings.Count(said, "/app/config") != 7 {
		t.Error(said)
	}
}

// TestPanicValuesAreNotLogged: they may hold values of the document.
func TestPanicValuesAreNotLogged(t *testing.T) {
	var log syncBuffer
	st, err := zkstate.Open(t.Context(), memstore.New(), "/app/config", initial(), zkstate.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	sets := make(chan zkstate.ChangeSet, 2)
	defer st.OnChange(func(set zkstate.ChangeSet) {
		sets <- set
		panic(errors.New("secret"))
	})()
	for range 2 { // the second one comes after the panic of the first was logged
		if _, err := st.Update(t.Context(), bump); err != nil {
			t.Fatal(err)
		}
		next(t, sets)
	}
	if said := log.String(); strings.Contains(said, "secret") || !strings.Contains(said, "*errors.errorString") {
		t.Error(said)
	}
}

// unreadable makes some records and entries of a store unreadable, as another's
// permissions do.
type unreadable struct {
	store.Store
	records []store.Listener
}

func (u *unreadable) Listeners(ctx context.Context, path string) ([]store.Listener, error) {
	found, err := u.Store.Listeners(ctx, path)
	return append(found, u.records...), err
}

func (u *unreadable) WatchListeners(path string) store.ListenerWatcher {
	return &polling{list: func(ctx context.Context) ([]store.Listener, error) { return u.Listeners(ctx, path) }}
}

// TestUnreadableListeners: they are shown as what they are, and the others are served.
func TestUnreadableListeners(t *testing.T) {
	s := &unreadable{Store: memstore.New(), records: []store.Listener{
		{ID: "denied", Err: store.ErrDenied},
		{ID: "garbage", Data: []byte("\x1b[31m")},
		{ID: "giant", Data: bytes.Repeat([]byte(" "), 1<<20)},
		{ID: "empty", Data: []byte("{}")},
		{ID: "null", Data: []byte("null")},
	}}
	st, err := zkstate.Open(t.Context(), s, "/app/config", initial(), zkstate.WithID("a"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	found, err := st.Listeners(t.Context())
	if err != nil || len(found) != 6 || found[0].ID != "a" || found[0].Status != zkstate.StatusApplied {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, l := range found[1:] {
		if l.ID == "" || l.Status != zkstate.StatusUnknown || l.Reason == "" {
			t.Errorf("%+v", l)
		}
	}
	_, err = st.Update(t.Context(), bump, zkstate.WaitAll(), zkstate.WaitTimeout(300*time.Millisecond))
	var waited *zkstate.NotAppliedError
	if !errors.As(err, &waited) || !strings.Contains(err.Error(), "denied is not known to have it (its record cannot be read: permission denied)") {
		t.Errorf("%v", err)
	}
	if _, err := st.Update(t.Context(), bump, zkstate.WaitFor(2), zkstate.WaitTimeout(300*time.Millisecond)); err == nil || strings.Contains(err.Error(), "not as many") {
		t.Errorf("%v", err)
	}
}
