package zkstate_test

import (
	"fmt"
	"testing"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// tree has no end as a type.
type tree map[string]tree

// TestKeyTag: a tagged field identifies the elements of lists, wherever in the type
// it is, for subscribers and for what is written.
func TestKeyTag(t *testing.T) {
	type host struct {
		Name string `json:"name,omitempty" zkstate:"key"`
		Up   bool   `json:"up"`
		Peer *host  `json:"peer,omitempty"`
	}
	type embedded struct {
		Hosts map[string][]*host `json:"hosts"`
	}
	type fleet struct {
		embedded
		Tree tree `json:"tree,omitempty"`
	}
	ctx, mem := t.Context(), memstore.New()
	const path = "/fleet"
	if _, err := mem.Commit(ctx, store.Create{Path: path, Data: []byte(
		`{"hosts":{"eu":[{"name":"a","up":true,"rack":1},{"name":"b","up":true,"rack":2}]}}`)}); err != nil {
		t.Fatal(err)
	}
	st, err := zkstate.Open(ctx, mem, path, fleet{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	sets := st.Changes(ctx)
	if _, err := st.Update(ctx, func(f *fleet) error {
		f.Hosts["eu"] = []*host{{Name: "c", Up: true}, {Name: "b"}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for set := range sets {
		if got, want := fmt.Sprint(set.Changes), `[- /hosts/eu/0 {"name":"a","up":true,"rack":1} + /hosts/eu/0 {"name":"c","up":true} ~ /hosts/eu/1/up true -> false]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		break
	}
	rec, err := mem.Load(ctx, path, store.Version{}, store.Local)
	if want := `{"hosts":{"eu":[{"name":"c","up":true},{"name":"b","up":false,"rack":2}]}}`; err != nil || string(rec.Data) != want {
		t.Errorf("stored %s, %v; want %s", rec.Data, err, want)
	}
}
