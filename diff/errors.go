package diff

import (
	"errors"
	"fmt"
)

var (
	// ErrPointer means that a pointer leads to no place in the document.
	ErrPointer = errors.New("no such place in the document")
	// ErrPointerSyntax means that a text is not a JSON Pointer (RFC 6901).
	ErrPointerSyntax = errors.New("not a JSON pointer")
	// ErrMismatch means that changes do not fit the document they are applied to.
	ErrMismatch = errors.New("change does not fit the document")
)

// SyntaxError says where and why a text was refused. It never quotes a value.
type SyntaxError struct {
	Offset  int64  // in bytes from the start
	Pointer string // the innermost place that was begun, as a JSON Pointer
	Reason  string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("JSON at byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("JSON at byte %d (%s): %s", e.Offset, e.Pointer, e.Reason)
}
