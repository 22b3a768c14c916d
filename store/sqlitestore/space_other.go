//go:build !(linux || darwin || freebsd || dragonfly)

package sqlitestore

import "errors"

// availableBytes is not known here.
func availableBytes(string) (int64, error) { return 0, errors.ErrUnsupported }
