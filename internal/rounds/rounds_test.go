package rounds_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/zkstate/zkstate/internal/rounds"
)

func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rounds.Rounds
		var begun []func(error)
		start := func(done func(error)) { begun = append(begun, done) }
		var group sync.WaitGroup
		join := func(want error) {
			group.Go(func() {
				if err := r.Join(t.Context(), start); !errors.Is(err, want) {
					t.Errorf("joined a round that ended with %v, want %v", err, want)
				}
			})
			synctest.Wait()
		}
		first, second := errors.New("first"), errors.New("second")
		join(first)
		for range 10 { // the first round is under way, so these share the next
			join(second)
		}
		if len(begun) != 1 {
			t.Fatalf("%d rounds at once", len(begun))
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Join(ended, start); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that has ended: %v", err)
		}
		begun[0](first)
		synctest.Wait()
		if len(begun) != 2 {
			t.Fatalf("%d rounds after the first ended", len(begun))
		}
		begun[1](second)
		group.Wait()
		if len(begun) != 2 {
			t.Fatalf("%d rounds though nobody waits", len(begun))
		}
		join2 := make(chan error, 1)
		go func() { join2 <- r.Join(t.Context(), start) }()
		synctest.Wait()
		begun[2](nil)
		if err := <-join2; err != nil {
			t.Error(err)
		}
	})
}
