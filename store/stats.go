package store

import (
	"context"
	"time"
)

// Measured is implemented by handles that count what they do. All of this module's do.
type Measured interface {
	// Stats returns at once, without asking the backend.
	Stats() Stats
}

// Stats are the figures of one handle. Counters begin at 0 when it is opened and only grow.
// What a backend does not have stays 0.
type Stats struct {
	Status          // as [Store.Status] returns it
	Server   string // that the handle is connected to, or its file; "" if there is none
	Followed int    // documents that somebody watches

	Connections    uint64 // that were made
	Disconnections uint64 // connections that ended while they were wanted
	SessionsLost   uint64
	AuthFailures   uint64 // refusals of the handle's credentials
	Requests       uint64 // that were sent to the backend

	Rounds        uint64        // verifications of all that is followed, consistent reads among them
	RoundFailures uint64        // of these
	RoundTime     time.Duration // that those took together that did not fail

	// Resolved counts the commits whose answer was lost, by what became of them.
	Resolved map[Resolution]uint64
}

// Resolution says what became of a commit whose answer was lost.
type Resolution string

// What a Resolution can be.
const (
	ResolvedApplied    Resolution = "applied"
	ResolvedNotApplied Resolution = "not_applied"
	ResolvedUnknown    Resolution = "unknown" // nobody can tell any more
)

// Resolutions returns all of them, in the order of the constants.
func Resolutions() []Resolution {
	return []Resolution{ResolvedApplied, ResolvedNotApplied, ResolvedUnknown}
}

// resolveKey is the key of what OnResolve puts into a context.
type resolveKey struct{}

// OnResolve returns a context under which [Store.Commit] calls told when the answer to a
// commit was lost and the handle knows what became of it. told must not block.
func OnResolve(ctx context.Context, told func(Resolution)) context.Context {
	return context.WithValue(ctx, resolveKey{}, told)
}

// TellResolution is for backends. It calls what [OnResolve] put into ctx, if there is any.
func TellResolution(ctx context.Context, r Resolution) {
	if told, ok := ctx.Value(resolveKey{}).(func(Resolution)); ok {
		told(r)
	}
}
