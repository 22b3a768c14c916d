package zkstate

import (
	"testing"

	"github.com/zkstate/zkstate/store/memstore"
)

// TestTurnBeforeItBegins: from the moment at which the lock is taken for a turn until the writer
// begins it, the State asks for no second place, which would wait behind its own.
func TestTurnBeforeItBegins(t *testing.T) {
	mem := memstore.New()
	st, err := Open(t.Context(), mem, "/doc", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	held, err := mem.Lock(t.Context(), "/doc", st.ID())
	if err != nil {
		t.Fatal(err)
	}
	q := st.queue()
	q.mu.Lock()
	q.writing = true // this test is the writer
	q.mu.Unlock()
	exclusive := func() *request[int] {
		return &request[int]{ctx: t.Context(), cfg: updateConfig{exclusive: true}, done: make(chan outcome, 1)}
	}
	first, second := exclusive(), exclusive()
	q.add(first)
	if _, needs := q.nextBatch(t.Context(), false); needs != first {
		t.Fatal("no lock is taken")
	}
	q.endTaking(first, held, nil)
	q.add(second)
	q.contended = true
	w := &writer[int]{st: st}
	b := &batch[int]{ctx: t.Context(), cancel: func() {}}
	if err := w.takeTurn(b, updateConfig{}); err != nil || w.lock != nil || !q.skipQueueUntil.IsZero() {
		t.Errorf("a plain update that came between waited for a turn: %v", err)
	}
	if b, needs := q.nextBatch(t.Context(), false); b != nil || needs != nil {
		t.Error("the lock is asked for once more")
	}
	w.beginTurn(q.pickUpTurn())
	if b, _ := q.nextBatch(t.Context(), true); b == nil || b.members[0] != first {
		t.Error("the turn does not begin with who asked for it")
	}
	w.giveUp()
}
