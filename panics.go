package zkstate

import (
	"fmt"
	"runtime/debug"
)

// protect runs fn on a goroutine of the State's own and makes an error of a panic:
// neither what a store holds nor what the type's own methods do may end the
// application. The error matches [ErrUnavailable]. The panic's value is not logged, it
// may hold a part of the document.
func (st *State[T]) protect(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			st.cfg.logger.Error("zkstate: panic", "path", st.path, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			err = panicError{fmt.Errorf("%s: %w: a panic is in the log: please report it", st.path, ErrUnavailable)}
		}
	}()
	return fn()
}

// panicError is what protect made of a panic.
type panicError struct{ error }

func (e panicError) Unwrap() error { return e.error }
