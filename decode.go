package zkstate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/zkstate/zkstate/diff"
)

// decode makes a T of a stored document. The error is for the reader of this
// State and of its listener record.
func decode[T any](path string, version Version, doc []byte) (value T, rejected *RejectedError) {
	reject := func(pointer string, offset int64, reason string) *RejectedError {
		return &RejectedError{Path: path, Version: version, Pointer: pointer, Offset: offset, Reason: reason}
	}
	defer func() {
		if r := recover(); r != nil {
			var zero T
			value, rejected = zero, reject("", -1, fmt.Sprintf("decoding into %T panicked", zero))
		}
	}()
	err := diff.CheckCase(doc)
	if errors.Is(err, diff.ErrCase) {
		if where, found := ambiguous[T](doc); found {
			return value, reject(where.Pointer(), -1, fmt.Sprintf("two keys that differ only in case fit the same field of %T", value))
		}
		err = nil
	}
	if err != nil {
		var syntax *diff.SyntaxError
		if errors.As(err, &syntax) {
			return value, reject(syntax.Pointer, syntax.Offset, syntax.Reason)
		}
		return value, reject("", -1, err.Error())
	}
	if kind := reflect.TypeFor[T]().Kind(); kind == reflect.Struct && bytes.Equal(bytes.TrimSpace(doc), []byte("null")) {
		return value, reject("", 0, fmt.Sprintf("null does not fit %T", value))
	}
	if err := json.Unmarshal(doc, &value); err != nil {
		var zero T
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) {
			return zero, reject("", mismatch.Offset, describeMismatch(mismatch))
		}
		return zero, reject("", -1, fmt.Sprintf("decoding into %T failed in a method of the type", zero))
	}
	if err := validate(&value); err != nil {
		var zero T
		return zero, reject("", -1, err.Error())
	}
	return value, nil
}

// describeMismatch leaves out the number that encoding/json would quote.
func describeMismatch(e *json.UnmarshalTypeError) string {
	kind := e.Value
	if len(kind) > 7 && kind[:7] == "number " {
		kind = "number"
	}
	if e.Field == "" {
		return fmt.Sprintf("a JSON %s does not fit %v", kind, e.Type)
	}
	return fmt.Sprintf("field %s: a JSON %s does not fit %v", e.Field, kind, e.Type)
}

// validate runs the type's own check, if it has one.
func validate[T any](value *T) error {
	if v, ok := any(value).(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}
