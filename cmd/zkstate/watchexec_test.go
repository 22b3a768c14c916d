package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store/memstore"
)

// TestEachChangeGivesItsValue: the value is that of the set's version, not of a later one,
// however fast somebody writes.
func TestEachChangeGivesItsValue(t *testing.T) {
	for _, replay := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s := memstore.New()
		defer s.Close()
		st, err := zkstate.Open(ctx, s, "/doc", json.RawMessage(`{"n":0}`))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		const last = 300
		written := make(chan error, 1)
		go func() {
			for range last {
				if _, err := st.Update(ctx, func(doc *json.RawMessage) error {
					n, err := diff.Lookup(*doc, "/n")
					if err == nil {
						*doc, err = diff.Set(*doc, "/n", []byte(jsonNumberAfter(n)))
					}
					return err
				}); err != nil {
					written <- err
					return
				}
			}
			written <- nil
		}()
		err = eachChange(ctx, st, replay, func(set zkstate.ChangeSet, value json.RawMessage) (bool, error) {
			var doc struct{ N int32 }
			if err := json.Unmarshal(value, &doc); err != nil || doc.N != set.To.Counter() {
				t.Errorf("version %v comes with %s, %v", set.To, value, err)
			}
			return doc.N < last, nil
		})
		if err != nil || <-written != nil {
			t.Error(err)
		}
	}
}

func jsonNumberAfter(n []byte) string {
	var number int
	_ = json.Unmarshal(n, &number)
	text, _ := json.Marshal(number + 1)
	return string(text)
}
