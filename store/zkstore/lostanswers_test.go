package zkstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/store"
)

// verdict is what a commit said of itself.
type verdict struct {
	token   []byte // that it wrote
	applied bool
	unknown bool
	err     error
}

// TestVerdictsAgainstTheLog has commits while answers are lost, connections cut, sessions
// killed, and an operator deletes everything and switches the journal. What each of them
// said is held beside the server's transaction log: what was said to be applied is in it,
// what was said not to be is not.
func TestVerdictsAgainstTheLog(t *testing.T) {
	b := newLockBed(t)
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	stop := b.net.DropReplies(func(op wire.Opcode) bool {
		if op == wire.OpMulti && rand.IntN(40) == 0 {
			b.net.Cut() // before it is forwarded, or while it is
		}
		return op == wire.OpMulti && rand.IntN(20) == 0
	})
	var trouble, writers sync.WaitGroup
	trouble.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond) // a rate of trouble, not a wait
			if rand.IntN(3) == 0 {
				b.killSession()
			} else {
				b.vandalise(rand.IntN(5))
			}
		}
	})
	verdicts := make([][]verdict, 4)
	for w := range verdicts {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				verdicts[w] = append(verdicts[w], b.commitToken(w, fmt.Appendf(nil, "token-%d-%d.", w, i)))
			}
		})
	}
	writers.Wait()
	trouble.Wait()
	stop()
	records, err := b.server.Transactions()
	if err != nil {
		t.Fatal(err)
	}
	log := bytes.Join(records, nil)
	counts := make(map[string]int)
	for _, all := range verdicts {
		for _, v := range all {
			in := bytes.Contains(log, v.token)
			switch {
			case v.unknown:
				counts["unknown"]++
			case v.applied:
				counts["applied"]++
			default:
				counts["not applied"]++
			}
			if !v.unknown && in != v.applied {
				t.Errorf("%s: in the log: %v; the commit said: %v", v.token, in, v.err)
			}
		}
	}
	if counts["applied"] == 0 || counts["not applied"] == 0 {
		t.Errorf("%v: this test has shown little", counts)
	}
	t.Log(counts)
}

// commitToken commits the token on what it finds.
func (b *lockBed) commitToken(writer int, token []byte) verdict {
	path := fmt.Sprint("/doc/", writer%2) // two for each document
	if writer%2 == 0 {
		path = "/doc"
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	rec, err := b.faulty.Load(ctx, path, store.Version{}, store.Local)
	var op store.Op = store.Put{Path: path, Base: rec.Version, Data: token}
	switch {
	case errors.Is(err, store.ErrNotFound):
		op = store.Create{Path: path, Data: token}
	case err != nil:
		return verdict{token: token, err: err}
	}
	ops := []store.Op{op, store.Receipt{Path: path, ID: fmt.Sprint("writer-", writer), Data: append([]byte("receipt of "), token[6:]...)}}
	if rand.IntN(2) == 0 {
		ops = append(ops, store.Append{Path: path, Data: append([]byte("entry of "), token[6:]...)})
	}
	_, err = b.faulty.Commit(ctx, ops...)
	return verdict{token: token, applied: err == nil, unknown: errors.Is(err, store.ErrUnknownOutcome), err: err}
}
