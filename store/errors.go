package store

import "errors"

// What a backend's errors match. A backend wraps the sentinel and, where it
// helps, the cause: fmt.Errorf("load %s: %w: %w", path, ErrUnavailable, cause).
var (
	// The caller's arguments.
	ErrInvalidPath = errors.New("invalid path")
	ErrInvalidID   = errors.New("invalid listener id")
	ErrTooLarge    = errors.New("too large")

	// The document is not as the caller supposed.
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrConflict = errors.New("version moved")
	ErrJournal  = errors.New("journal is on, and the commit appends nothing to it")

	// Others have what was asked for.
	ErrTaken    = errors.New("listener id taken")
	ErrLocked   = errors.New("lock held")
	ErrLockLost = errors.New("lock lost")

	// The backend's refusals, which trying again does not change. An error that
	// matches ErrAuthRequired matches ErrDenied too.
	ErrDenied          = errors.New("permission denied")
	ErrAuthRequired    = errors.New("authentication required")
	ErrQuota           = errors.New("quota exceeded")
	ErrEphemeralParent = errors.New("its parent is ephemeral and cannot have children")
	ErrDamaged         = errors.New("store damaged")

	// The backend's silence.
	ErrUnavailable    = errors.New("store unavailable")
	ErrUnknownOutcome = errors.New("outcome unknown")
	ErrClosed         = errors.New("closed")
)
