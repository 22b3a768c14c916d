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

// Why text is refused.
const (
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
	reasonDepth     = "nested too deep"
	reasonSize      = "the document is larger than 4 GiB"
)
