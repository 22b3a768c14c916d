package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/zkstate/zkstate/store"
)

// testContended counts with several handles at once. The counter must equal the
// acknowledgements: more is a commit applied twice, less is one lost.
func testContended(t *testing.T, e *env) {
	const handles, each = 4, 25
	e.create(e.handle(), "/counter", "0")
	var acknowledged atomic.Int64
	var all sync.WaitGroup
	for range handles {
		s := e.handle()
		all.Go(func() {
			for range each {
				if err := increment(e.ctx, s, "/counter"); err != nil {
					t.Error(err)
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	all.Wait()
	e.wantData(e.handle(), "/counter", strconv.FormatInt(acknowledged.Load(), 10))
}

func increment(ctx context.Context, s store.Store, path string) error {
	for {
		rec, err := s.Load(ctx, path, store.Version{}, store.Local)
		if errors.Is(err, store.ErrNotFound) { // its server lags
			continue
		}
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(rec.Data))
		if err != nil {
			return fmt.Errorf("torn counter %q: %w", rec.Data, err)
		}
		_, err = s.Commit(ctx, store.Put{Path: path, Base: rec.Version, Data: []byte(strconv.Itoa(n + 1))})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// testHistory records what concurrent handles saw and did, and asks porcupine
// whether one order of it all explains every answer.
func testHistory(t *testing.T, e *env) {
	first := e.create(e.handle(), "/a", "0")
	var history History
	var all sync.WaitGroup
	for client := range 4 {
		s := e.handle()
		all.Go(func() {
			known := first
			for i := range 40 {
				if rand.IntN(2) == 0 {
					known = history.Load(e.ctx, client, s, "/a")
				} else {
					history.Put(e.ctx, client, s, store.Put{Path: "/a", Base: known, Data: fmt.Append(nil, client, i)})
				}
			}
		})
	}
	all.Wait()
	if err := history.Check(first); err != nil {
		t.Fatal(err)
	}
}

// History records linearizable loads and compare-and-sets of one document. Its
// methods may be called concurrently.
type History struct {
	mu  sync.Mutex // guards ops
	ops []porcupine.Operation
}

type historyInput struct {
	put  bool
	base store.Version
}

type historyOutput struct {
	version store.Version // read, or committed
	ok      bool          // the compare-and-set succeeded
}

func (h *History) add(client int, called time.Time, in historyInput, out historyOutput) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{
		ClientId: client, Input: in, Call: called.UnixNano(), Output: out, Return: time.Now().UnixNano(),
	})
}

// Load does a linearizable load and records it, unless it fails.
func (h *History) Load(ctx context.Context, client int, s store.Store, path string) store.Version {
	called := time.Now()
	rec, err := s.Load(ctx, path, store.Version{}, store.Linearizable)
	if err == nil {
		h.add(client, called, historyInput{}, historyOutput{version: rec.Version})
	}
	return rec.Version
}

// Put does a compare-and-set and records whether it was applied. An outcome that
// is unknown must be resolved by the caller; it is not recorded.
func (h *History) Put(ctx context.Context, client int, s store.Store, op store.Put) {
	called := time.Now()
	versions, err := s.Commit(ctx, op)
	switch {
	case err == nil:
		h.add(client, called, historyInput{put: true, base: op.Base}, historyOutput{version: versions[0], ok: true})
	case errors.Is(err, store.ErrConflict):
		h.add(client, called, historyInput{put: true, base: op.Base}, historyOutput{})
	}
}

// Check fails unless the history is linearizable, beginning with the document at
// first.
func (h *History) Check(first store.Version) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	model := porcupine.Model{
		Init: func() any { return first },
		Step: func(state, input, output any) (bool, any) {
			at, in, out := state.(store.Version), input.(historyInput), output.(historyOutput)
			switch {
			case !in.put:
				return out.version == at, at
			case out.ok:
				return in.base == at && at.Before(out.version), out.version
			}
			return in.base != at, at
		},
	}
	if result := porcupine.CheckOperationsTimeout(model, h.ops, time.Minute); result != porcupine.Ok {
		return fmt.Errorf("history of %d operations: linearizability is %v", len(h.ops), result)
	}
	return nil
}
