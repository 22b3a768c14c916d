package zkstate

import "testing"

type endless *endless

// TestAmbiguousInItself: a type that points to itself has no fields.
func TestAmbiguousInItself(t *testing.T) {
	if where, found := ambiguous[endless]([]byte(`{"a":1,"A":2}`)); found {
		t.Errorf("found at %v", where)
	}
}
