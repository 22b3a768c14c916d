package diff

import (
	"errors"
	"fmt"

	"github.com/zkstate/zkstate/internal/printable"
)

var (
	// ErrPointer means that a pointer leads to no place in the document.
	ErrPointer = errors.New("no such place in the document")
	// ErrPointerSyntax means that a text is not a JSON Pointer (RFC 6901).
	ErrPointerSyntax = errors.New("not a JSON pointer")
	// ErrMismatch means that changes do not fit the document they are applied to.
	ErrMismatch = errors.New("change does not fit the document")
	// ErrCase means that two keys of one object differ only in case; see [CheckCase].
	ErrCase = errors.New("two keys differ only in case")
	// ErrPatch means that a text or an operation is not of a JSON Patch (RFC 6902).
	ErrPatch = errors.New("not a JSON patch")
	// ErrTest means that a test operation found another value, or none.
	ErrTest = errors.New("the test failed")
	// ErrCopyLimit means that the copy operations of a patch would make more than
	// 4 MiB.
	ErrCopyLimit = errors.New("the patch copies more than 4 MiB")
)

// OperationError says which operation of a [Patch] failed, and why. It quotes no
// values.
type OperationError struct {
	Index int    // from 0
	Op    string // empty if it has none
	Err   error
}

// Error implements error.
func (e *OperationError) Error() string {
	return fmt.Sprintf("operation %d (%s): %v", e.Index, printable.Line(e.Op), e.Err)
}

// Unwrap returns the cause.
func (e *OperationError) Unwrap() error { return e.Err }

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
	return fmt.Sprintf("JSON at byte %d (%s): %s", e.Offset, printable.Line(e.Pointer), e.Reason)
}

// Is reports whether target is [ErrCase], if that is the reason.
func (e *SyntaxError) Is(target error) bool { return target == ErrCase && e.Reason == reasonCase }

// Why text is refused.
const (
	reasonBOM       = "a byte order mark (BOM) stands before the document: save it as UTF-8 without one"
	reasonEmpty     = "the document is empty"
	reasonNoValue   = "the text ends where a value was expected"
	reasonValue     = "a value was expected"
	reasonList      = "a comma or the end of the list was expected"
	reasonObject    = "a comma or the end of the object was expected"
	reasonKey       = "a key was expected"
	reasonColon     = "a colon was expected after the key"
	reasonTrailing  = "text after the end of the document"
	reasonDigit     = "a digit was expected"
	reasonString    = "the text ends inside a string"
	reasonEscapeEnd = "the text ends inside an escape"
	reasonEscape    = "an unknown escape in a string"
	reasonHex       = "an escape lacks its four hexadecimal digits"
	reasonControl   = "a control character in a string"
	reasonUTF8      = "invalid UTF-8 in a string"
	reasonSurrogate = "half a surrogate pair in a string"
	reasonDuplicate = "the key is there twice in its object"
	reasonCase      = "the key differs only in case from another one of its object"
	reasonDepth     = "nested too deep"
	reasonSize      = "the document is larger than 4 GiB"
)
