package zkstate

import "log/slog"

// String names the State and the document, and shows no value of it.
func (st *State[T]) String() string { return "State " + st.cfg.id + " of " + st.path }

// GoString is String: %#v would show all that the State holds.
func (st *State[T]) GoString() string { return st.String() }

// LogValue implements [slog.LogValuer].
func (st *State[T]) LogValue() slog.Value {
	return slog.GroupValue(slog.String("path", st.path), slog.String("id", st.cfg.id))
}
