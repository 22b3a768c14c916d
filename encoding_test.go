package zkstate_test

import (
	"testing"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// anything is a type that is not plain: what it was given may decode to something else.
type anything struct {
	A any `json:"a"`
	N int `json:"n"`
}

// ring may be a part of itself.
type ring struct {
	Next *ring `json:"next,omitempty"`
}

// derived has a field that its Validate fills.
type derived struct {
	N      int `json:"n"`
	double *int
}

func (d *derived) Validate() error {
	double := 2 * d.N
	d.double = &double
	return nil
}

func stored(t *testing.T, s store.Store) string {
	t.Helper()
	rec, err := s.Load(t.Context(), "/x", store.Version{}, store.Linearizable)
	if err != nil {
		t.Fatal(err)
	}
	return string(rec.Data)
}

// TestRoundedStaysAsItWasWritten: a number that a float64 rounds keeps its digits, and an update
// that changes nothing writes nothing.
func TestRoundedStaysAsItWasWritten(t *testing.T) {
	ctx := t.Context()
	s := memstore.New()
	defer s.Close()
	var found []error
	st, err := zkstate.Open(ctx, s, "/x", anything{}, zkstate.WithMutationDetector(func(e error) { found = append(found, e) }))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	v1, err := st.Update(ctx, func(a *anything) error { a.A = int64(1152921504606846977); return nil })
	if err != nil {
		t.Fatal(err)
	}
	v2, err := st.Update(ctx, func(*anything) error { return nil })
	if err != nil || v1 != v2 {
		t.Errorf("an update that changes nothing made %v of %v, %v: %s", v2, v1, err, stored(t, s))
	}
	if _, err := st.Update(ctx, func(a *anything) error { a.N++; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s); got != `{"a":1152921504606846977,"n":1}` {
		t.Errorf("stored is %s", got)
	}
	if len(found) > 0 {
		t.Errorf("found %v", found)
	}
}

// TestRoundedKeepsOthersFields: a value that decodes to something else costs nobody's fields.
func TestRoundedKeepsOthersFields(t *testing.T) {
	ctx := t.Context()
	s := memstore.New()
	defer s.Close()
	type newer struct {
		A any    `json:"a"`
		N int    `json:"n"`
		Z string `json:"z"`
	}
	nst, err := zkstate.Open(ctx, s, "/x", newer{Z: "keep"})
	if err != nil {
		t.Fatal(err)
	}
	defer nst.Close()
	st, err := zkstate.Open(ctx, s, "/x", anything{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Update(ctx, func(a *anything) error { a.A = int64(1152921504606846977); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s); got != `{"a":1152921504606846977,"n":0,"z":"keep"}` {
		t.Errorf("stored is %s", got)
	}
}

// TestValidateFillsOwnCommits: what Validate fills is there after an own commit as after a load.
func TestValidateFillsOwnCommits(t *testing.T) {
	ctx := t.Context()
	s := memstore.New()
	defer s.Close()
	st, err := zkstate.Open(ctx, s, "/x", derived{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if d, err := st.Read(); err != nil || d.double == nil {
		t.Errorf("after Open: %+v %v", d, err)
	}
	if _, err := st.Update(ctx, func(d *derived) error { d.N = 2; return nil }); err != nil {
		t.Fatal(err)
	}
	if d, err := st.Read(); err != nil || d.double == nil {
		t.Errorf("after Update: %+v %v", d, err)
	}
}

// TestPartOfItself: what no document can say is an error.
func TestPartOfItself(t *testing.T) {
	s := memstore.New()
	defer s.Close()
	st, err := zkstate.Open(t.Context(), s, "/x", ring{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Update(t.Context(), func(r *ring) error { r.Next = r; return nil }); err == nil {
		t.Error("a ring was stored")
	}
}
