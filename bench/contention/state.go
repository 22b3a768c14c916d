package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/bench/peers"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

// shared is a State on a store of its own.
type shared struct {
	*zkstate.State[document]
	store store.Store
}

// open opens the State of the document at a place, which exists.
func open(ctx context.Context, at place) (*shared, error) {
	s, err := storeurl.Open(ctx, fmt.Sprintf("zk://%s?session=%s", at.connect, sessionTimeout))
	if err != nil {
		return nil, err
	}
	st, err := zkstate.Open(ctx, s, at.path, document{}, zkstate.NoCreate())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &shared{State: st, store: s}, nil
}

func (s *shared) close() error { return errors.Join(s.State.Close(), s.store.Close()) }

// increment is one Update.
func (s *shared) increment(ctx context.Context) (outcome, error) {
	_, err := s.Update(ctx, func(d *document) error { d.Counter++; return nil })
	switch {
	case err == nil:
		return applied, nil
	case errors.Is(err, zkstate.ErrUnknownOutcome):
		return unknown, nil
	}
	return refused, err
}

// goroutines share one State.
func goroutines(n int) func(context.Context, place) (peers.Report, error) {
	return func(ctx context.Context, at place) (_ peers.Report, err error) {
		st, err := open(ctx, at)
		if err != nil {
			return peers.Report{}, err
		}
		defer func() { err = errors.Join(err, st.close()) }()
		return drive(ctx, n, at.duration, func(ctx context.Context, _ int) (outcome, error) {
			return st.increment(ctx)
		})
	}
}
