package zkstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storetest"
)

// TestIdleWatchersCost: many documents that are followed cost a round a period for all,
// and a sample at a bounded rate. After a cut all are confirmed again, and none is hinted
// at. What it counts is in the log; the bounds leave room for a slow machine.
func TestIdleWatchersCost(t *testing.T) {
	const documents, every = 400, 2 * time.Second
	b := newBed(t)
	watchers := make([]storetest.Watch, documents)
	versions := make([]store.Version, documents)
	for i := range watchers {
		path := fmt.Sprint("/doc", i)
		made, err := b.s.Commit(b.ctx, store.Create{Path: path, Data: []byte("0")})
		if err != nil {
			t.Fatal(err)
		}
		versions[i] = made[0]
		watchers[i] = storetest.NewWatch(b.s, path, every)
		defer watchers[i].Stop()
		if _, err := b.s.Load(b.ctx, path, store.Version{}, store.Local); err != nil {
			t.Fatal(err)
		}
	}
	confirmed := func(since time.Time) func() error {
		return func() error {
			for i, w := range watchers {
				if !w.Confirmed(versions[i]).After(since) {
					return fmt.Errorf("document %d is not confirmed", i)
				}
			}
			return nil
		}
	}
	b.eventually("all are confirmed", confirmed(time.Now()))
	for _, w := range watchers { // what their creation hinted
		select {
		case <-w.Hints:
		default:
		}
	}
	begun, multis, looks := time.Now(), b.net.Requests(wire.OpMulti), b.net.Requests(wire.OpExists)
	b.eventually("all are confirmed three times more", confirmed(begun.Add(3*every)))
	took := time.Since(begun).Seconds()
	multis, looks = b.net.Requests(wire.OpMulti)-multis, b.net.Requests(wire.OpExists)-looks
	t.Logf("%d documents: %.2f rounds/s, %.1f looks/s", documents, float64(multis)/took, float64(looks)/took)
	if float64(multis) > took/every.Seconds()+2 || float64(looks) > 50*took+60 {
		t.Errorf("%d rounds and %d looks in %.1f s", multis, looks, took)
	}
	begun = time.Now()
	b.net.Cut()
	b.eventually("all are confirmed after a cut", confirmed(begun))
	t.Logf("after a cut: %v", time.Since(begun))
	for i, w := range watchers {
		select {
		case <-w.Hints:
			t.Errorf("document %d was hinted at, and has not moved", i)
		default:
		}
	}
}

// TestLostWatchIsHealed: nobody looks but the sample. It finds the change that no event
// told of, says so, and hints; and what was before is not confirmed any more.
func TestLostWatchIsHealed(t *testing.T) {
	b := newBed(t)
	v := b.create("0")
	w := storetest.NewWatch(b.s, "/doc", 50*time.Millisecond)
	defer w.Stop()
	b.load(store.Local)
	b.eventually("it is confirmed", func() error {
		if w.Confirmed(v).IsZero() {
			return errors.New("it is not")
		}
		return nil
	})
	release := b.net.HoldEvents()
	next := b.put("1")
	b.awaitVersion(w.Hints, next)
	release()
	if n := b.s.Status().LostWatches; n != 1 {
		t.Errorf("%d lost watches", n)
	}
	if at := w.Confirmed(v); !at.IsZero() {
		t.Errorf("what was before is confirmed for %v", at)
	}
}
