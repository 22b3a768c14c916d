package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func isClosed(all <-chan struct{}) bool {
	select {
	case <-all:
		return true
	default:
		return false
	}
}

func TestArrivals(t *testing.T) {
	a := newArrivals(2)
	a.saw(0, 1)
	all := a.expect(3)
	a.saw(0, 4) // not the one that was set, but a later one
	a.saw(0, 3)
	if isClosed(all) {
		t.Fatal("one has not seen it")
	}
	a.saw(1, 2)
	if isClosed(all) {
		t.Fatal("one has seen only the value before")
	}
	a.saw(1, 3)
	if !isClosed(all) {
		t.Fatal("all have seen it")
	}
	if !isClosed(a.expect(3)) {
		t.Fatal("all have seen it before")
	}
	at := a.times()
	if len(at) != 4 || at[2] != at[4] || at[1].After(at[2]) {
		t.Errorf("seen at %v", at)
	}
}

func TestChange(t *testing.T) {
	a := newArrivals(1)
	took, err := a.change(t.Context(), func(_ context.Context, value int64) error { a.saw(0, value); return nil }, 1)
	if err != nil || took < 0 || took == never {
		t.Errorf("%v, %v", took, err)
	}
	failed := errors.New("failed")
	if _, err := a.change(t.Context(), func(context.Context, int64) error { return failed }, 2); !errors.Is(err, failed) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if took, err := a.change(ctx, func(context.Context, int64) error { return nil }, 3); took != never || err != nil {
		t.Errorf("never seen: %v, %v", took, err)
	}
}

func TestDelays(t *testing.T) {
	writes := []Write{{Value: 1, Begun: 100, Took: 5}, {Value: 2, Begun: 200, Took: 7}}
	seen, took := delays(writes, map[int64]int64{1: 130})
	if seen[0] != 30 || seen[1] != never || took[1] != 7*time.Nanosecond {
		t.Errorf("seen %v, took %v", seen, took)
	}
}
