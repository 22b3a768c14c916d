package zkstate_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/zkstate/zkstate"
)

// did is what one call did to the document, or showed of it.
type did int

const (
	didRead    did = iota // showed a value, or that there is no document
	didWrite              // put a value in the place of another
	didCreate             // made the document, which was not there
	didDelete             // deleted the document, which was there
	didFind               // found the document there before it could be created
	didMeet               // found another version than the one it was for
	didRestore            // made a backup's content the store's
	mayWrite              // as didWrite, or nothing: the outcome is unknown
	mayCreate
	mayDelete
)

var didNames = [...]string{"read", "write", "create", "delete", "find", "meet another version than", "restore", "write?", "create?", "delete?"}

// deed is one call's part in the history. Values are unlike each other, but for what a
// restore brings back; 0 is no document.
type deed struct {
	did     did
	saw     int // what was read, or written over
	wrote   int
	version zkstate.Version // of what was written; zero where it is not known
	who     string
}

// String implements [fmt.Stringer].
func (d deed) String() string {
	return fmt.Sprintf("%s: %s saw %d wrote %d version %v", d.who, didNames[d.did], d.saw, d.wrote, d.version)
}

// register is the document: the model of what all States share.
type register struct {
	value   int
	version zkstate.Version // zero where it is not known
}

// step says whether a call may have done that to the register, and what it becomes.
// What may have happened is open-ended: at the end of all it changes nothing.
func (r register) step(d deed) (bool, register) {
	switch d.did {
	case didRead:
		return d.saw == r.value && agree(d.version, r.version), r
	case didWrite:
		return r.value != 0 && d.saw == r.value && !d.version.Before(r.version), register{d.wrote, d.version}
	case didCreate:
		return r.value == 0, register{d.wrote, d.version}
	case didDelete:
		return r.value != 0, register{}
	case didFind:
		return r.value != 0, r
	case didMeet:
		return d.version != r.version || d.version.IsZero(), r
	case didRestore:
		return true, register{d.wrote, d.version}
	case mayWrite:
		if r.value != 0 {
			return true, register{value: d.wrote}
		}
	case mayCreate:
		if r.value == 0 {
			return true, register{value: d.wrote}
		}
	case mayDelete:
		return true, register{}
	}
	return true, r
}

// agree reports whether two versions are the same, as far as they are known.
func agree(v, w zkstate.Version) bool { return v.IsZero() || w.IsZero() || v == w }

// record is the history of one document. Its methods may be called concurrently.
type record struct {
	mu    sync.Mutex // guards all below
	last  int64
	ops   []porcupine.Operation
	begun time.Time
}

// at is a time in the history: of two events of which one was over before the other
// began, it is the later one's that is higher.
type at = int64

func (r *record) now() at {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last+1, time.Since(r.begun).Nanoseconds())
	return r.last
}

// add notes what a call that began then, and is over, did.
func (r *record) add(called at, d deed) {
	returned := r.now()
	if d.did >= mayWrite {
		returned = 1 << 62
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, porcupine.Operation{ClientId: len(r.ops), Input: d, Call: called, Return: returned})
}

// judged bounds how long porcupine looks for an order.
const judged = 30 * time.Second

// check fails unless one order of all calls explains what each of them did.
func (r *record) check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	model := porcupine.Model{
		Init: func() any { return register{} },
		Step: func(state, input, _ any) (bool, any) { return state.(register).step(input.(deed)) },
	}
	result, found := porcupine.CheckOperationsVerbose(model, r.ops, judged)
	if result == porcupine.Ok {
		return nil
	}
	var longest []porcupine.Operation
	for _, order := range found.PartialLinearizationsOperations()[0] {
		if len(order) > len(longest) {
			longest = order
		}
	}
	return fmt.Errorf("no order explains %d calls (%v), only these %d:\n%sand not these:\n%s", len(r.ops), result, len(longest), text(longest), text(others(r.ops, longest)))
}

// others are the operations that are not among some.
func others(all, some []porcupine.Operation) []porcupine.Operation {
	ids := make(map[int]bool)
	for _, op := range some {
		ids[op.ClientId] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(op porcupine.Operation) bool { return ids[op.ClientId] })
}

// text is one operation a line.
func text(ops []porcupine.Operation) string {
	var b strings.Builder
	for _, op := range ops {
		end := "never"
		if op.Return < 1<<62 {
			end = time.Duration(op.Return).String()
		}
		fmt.Fprintf(&b, "%12v %12v  %v\n", time.Duration(op.Call), end, op.Input)
	}
	return b.String()
}
