package relist_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/internal/relist"
)

// TestListenerThatLeavesWhileListingFails: the next call lists again, and tells who has left.
func TestListenerThatLeavesWhileListingFails(t *testing.T) {
	listed, failure := []store.Listener{{ID: "stays"}, {ID: "leaves"}}, error(nil)
	hints := make(chan struct{}, 1)
	w := relist.New(func(context.Context) ([]store.Listener, error) { return listed, failure }, hints, func() {})
	if news, err := w.Next(t.Context()); err != nil || len(news.Changed) != 2 {
		t.Fatal(news, err)
	}
	listed, failure = listed[:1], errors.New("not now")
	hints <- struct{}{}
	if _, err := w.Next(t.Context()); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	failure = nil
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if news, err := w.Next(ctx); err != nil || len(news.Gone) != 1 || news.Gone[0] != "leaves" {
		t.Error(news, err)
	}
}

// TestHintOfANextThatEnds: a hint is followed by the next call if the one that took it ends while it rests.
func TestHintOfANextThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took = time.Second // a listing, and so the rest before another one
		said := "before"
		hints := make(chan struct{}, 1)
		w := relist.New(func(context.Context) ([]store.Listener, error) {
			time.Sleep(took)
			return []store.Listener{{ID: "me", Data: []byte(said)}}, nil
		}, hints, func() {})
		next := func(within time.Duration) (string, error) {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			news, err := w.Next(ctx)
			if err != nil {
				return "", err
			}
			return string(news.Changed[0].Data), nil
		}
		if got, err := next(time.Minute); got != "before" || err != nil {
			t.Fatal(got, err)
		}
		said = "after"
		hints <- struct{}{}
		if _, err := next(took / 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if got, err := next(time.Minute); got != "after" || err != nil {
			t.Error(got, err)
		}
	})
}
