package zkstore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/store"
)

var _ store.Measured = (*Store)(nil)

// counters are what a store counts beside its client and its verifier.
type counters struct {
	connections, disconnections atomic.Uint64
	sessionsLost, authFailures  atomic.Uint64
	rounds, roundFailures       atomic.Uint64
	roundTime                   atomic.Int64 // nanoseconds
	applied, notApplied, unsure atomic.Uint64
}

// Stats implements [store.Measured].
func (s *Store) Stats() store.Stats {
	c := &s.counters
	followed, _ := s.watched.demand()
	return store.Stats{
		Status: s.Status(), Server: s.client.Server(), Followed: followed,
		Connections: c.connections.Load(), Disconnections: c.disconnections.Load(),
		SessionsLost: c.sessionsLost.Load(), AuthFailures: c.authFailures.Load(), Requests: s.client.Sent(),
		RoundFailures: c.roundFailures.Load(), // before all rounds, so that they are never fewer
		Rounds:        c.rounds.Load(), RoundTime: time.Duration(c.roundTime.Load()),
		Resolved: map[store.Resolution]uint64{
			store.ResolvedApplied: c.applied.Load(), store.ResolvedNotApplied: c.notApplied.Load(), store.ResolvedUnknown: c.unsure.Load(),
		},
	}
}

// countRound notes how a round ended that was sent then.
func (c *counters) countRound(asked time.Time, err error) {
	c.rounds.Add(1)
	if err != nil {
		c.roundFailures.Add(1)
	} else {
		c.roundTime.Add(int64(time.Since(asked)))
	}
}

// tellResolution notes what resolve found out, and tells it to whom it concerns.
func (c *counters) tellResolution(ctx context.Context, err error) {
	switch {
	case err == nil:
		c.applied.Add(1)
		store.TellResolution(ctx, store.ResolvedApplied)
	case errors.Is(err, errNotApplied):
		c.notApplied.Add(1)
		store.TellResolution(ctx, store.ResolvedNotApplied)
	default:
		c.unsure.Add(1)
		store.TellResolution(ctx, store.ResolvedUnknown)
	}
}
