package zkstate_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/zkstate/zkstate"
)

// TestDraftsAreNobodysElse: what callers kept of the values that they were given, and what
// readers write through what a read returned, is in no later document.
func TestDraftsAreNobodysElse(t *testing.T) {
	eachStore(t, func(e *env) {
		st, _, release := busy(e)
		var group sync.WaitGroup
		for i := range 6 {
			group.Go(func() {
				for range 5 {
					var kept *config
					if _, err := st.Update(e.ctx, func(c *config) error { kept = c; return bump(c) }); err != nil {
						e.Error(err)
					}
					kept.Processes[0], kept.Interval = "spoilt", -1
				}
			})
			st.AwaitQueued(i + 1)
		}
		release()
		group.Wait()
		got, err := st.Read()
		if err != nil || got.Interval != 2+30 || got.Processes[0] != "systemd*" {
			e.Fatalf("%+v, %v", got, err)
		}
		got.Processes[0] = "spoilt" // which is not allowed, and is to be nobody else's trouble
		if _, err := st.Update(e.ctx, bump); err != nil {
			e.Fatal(err)
		}
		if got := string(e.raw().load().Data); strings.Contains(got, "spoilt") {
			e.Errorf("stored %s", got)
		}
	})
}

// TestCombinedValuesThatJSONChanges: functions that go out together find what they would
// have found one by one, also where encoding refuses or replaces what one made.
func TestCombinedValuesThatJSONChanges(t *testing.T) {
	type reading struct {
		Name  string   `json:"name"`
		Value float64  `json:"value"`
		Seen  []string `json:"seen"`
		Local string   `json:"-"`
	}
	eachStore(t, func(e *env) {
		st, err := zkstate.Open(e.ctx, e.handle(), "/readings", reading{Name: "x", Seen: []string{}})
		if err != nil {
			e.Fatal(err)
		}
		defer closeState(e.T, st)
		var group sync.WaitGroup
		note := func(r *reading) error {
			r.Seen = append(r.Seen, fmt.Sprintf("%q%q", r.Name, r.Local))
			return nil
		}
		for range 20 {
			group.Go(func() {
				if _, err := st.Update(e.ctx, func(r *reading) error { r.Name, r.Local = "a\xff", "mine"; return nil }); err != nil {
					e.Error(err)
				}
			})
			group.Go(func() {
				if _, err := st.Update(e.ctx, note); err != nil {
					e.Error(err)
				}
			})
			group.Go(func() {
				_, err := st.Update(e.ctx, func(r *reading) error { r.Value = math.NaN(); return nil })
				if err == nil || errors.Is(err, zkstate.ErrUnavailable) {
					e.Errorf("what cannot be encoded: %v", err)
				}
			})
		}
		group.Wait()
		got, err := st.Read()
		if err != nil || got.Name != "a\ufffd" || len(got.Seen) != 20 {
			e.Fatalf("%+v, %v", got, err)
		}
		for _, seen := range got.Seen {
			if seen != `"x"""` && seen != "\"a\ufffd\"\"\"" {
				e.Errorf("a function found %s", seen)
			}
		}
	})
}
