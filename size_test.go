package zkstate

import (
	"testing"
	"unsafe"
)

// TestStateSize keeps a State in the memory allocator's class of 640 bytes: there may be ten thousand of them, and the
// next class has 704. The allocator adds a header of 8 bytes.
func TestStateSize(t *testing.T) {
	if size := unsafe.Sizeof(State[struct{}]{}); unsafe.Sizeof(uintptr(0)) == 8 && size > 632 {
		t.Errorf("a State has %d bytes, want 632 at most", size)
	}
}
