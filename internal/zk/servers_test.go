package zk

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// lost are servers that cannot be looked up.
type lost struct{}

func (lost) Endpoints(context.Context) ([]string, error) { return nil, errors.New("no DNS") }

// TestLearnedServersComeLast: in each round all that were given are tried before those that
// were learned, none of them twice, and the one that was used last of all.
func TestLearnedServersComeLast(t *testing.T) {
	round := func(r *rotation, servers Servers) (tried []string) {
		t.Helper()
		for {
			next, err := r.advance(t.Context(), &Config{Servers: servers}, []string{"l1:1", "g1:1", "l2:1"})
			if err != nil {
				t.Fatal(err)
			}
			if tried = append(tried, next.server); r.failed() {
				return tried
			}
		}
	}
	given := Hosts{"g1:1", "g2:1", "g3:1"}
	for range 50 { // the order is random
		first := round(new(rotation), given)
		slices.Sort(first[:3])
		slices.Sort(first[3:])
		if want := []string{"g1:1", "g2:1", "g3:1", "l1:1", "l2:1"}; !slices.Equal(first, want) {
			t.Fatalf("%q, want %q", first, want)
		}
		if tried := round(&rotation{used: target{server: "g2:1"}}, given); len(tried) != 5 || tried[4] != "g2:1" || slices.Contains(tried[:2], "l1:1") {
			t.Fatalf("%q", tried)
		}
	}
	if tried := round(new(rotation), lost{}); len(tried) != 3 {
		t.Errorf("without DNS: %q", tried)
	}
}
