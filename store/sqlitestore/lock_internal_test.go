package sqlitestore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/zkstate/zkstate/store"
)

// TestLockGivenUpDuringALook: who gives up waiting for a lock hears that others were ahead,
// also if it was just looking whether they still are.
func TestLockGivenUpDuringALook(t *testing.T) {
	s := openTemp(t, filepath.Join(t.TempDir(), "state.db"), Config{})
	first, err := s.Lock(t.Context(), "/doc", "first")
	if err != nil {
		t.Fatal(err)
	}
	looks, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for looks.Err() == nil {
			s.watch.hub.Signal(queueOf("/doc")) // one look after another
		}
	}()
	awaitQueue := func(length int) {
		for got := -1; got != length; {
			queue, err := s.Queue(t.Context(), "/doc")
			if err != nil {
				t.Fatal(err)
			}
			got = len(queue)
		}
	}
	for range 10 {
		awaitQueue(1) // the place of who gave up is removed in the background
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := s.Lock(ctx, "/doc", "second")
			left <- err
		}()
		awaitQueue(2)
		cancel()
		if err := <-left; !errors.Is(err, store.ErrLocked) || !errors.Is(err, context.Canceled) {
			t.Fatalf("who gave up hears of %v", err)
		}
	}
	if err := first.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
}
