package storetest

import (
	"time"

	"github.com/zkstate/zkstate/store"
)

// Watch is a watcher with a channel of its hints, which merges those that are not received.
type Watch struct {
	store.Watcher
	Hints chan struct{}
}

// NewWatch follows the document at path.
func NewWatch(s store.Store, path string, every time.Duration) Watch {
	hints := make(chan struct{}, 1)
	return Watch{s.Watch(path, every, func() {
		select {
		case hints <- struct{}{}:
		default:
		}
	}), hints}
}
