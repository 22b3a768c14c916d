package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

// appName is the application in listener records and the journal.
const appName = "zkstate serve"

// change is a request to change a document.
type change struct {
	path   string
	how    document.Write
	exists bool // If-Match: *
	absent bool // If-None-Match: *
	actor  string
}

// conditional reports whether If-Match is there.
func (c change) conditional() bool { return c.exists || c.how.IfVersion != "" }

// writeParams are the parameters that all changes have.
var writeParams = []string{"reason", "wait", "timeout"}

// readChange reads what all changes have in common, and returns the context of the work.
func (s *Server) readChange(r *http.Request, p *params) (change, context.Context, context.CancelFunc, error) {
	c := change{how: document.Write{Reason: p.text("reason"), Wait: p.text("wait")}, actor: s.actor(r)}
	timeout := p.timeout()
	p.notEmpty("wait")
	if p.err != nil {
		return c, nil, nil, p.err
	}
	var err error
	if c.path, err = documentPath(r); err != nil {
		return c, nil, nil, err
	}
	if c.how.IfVersion, err = ifMatch(r); err != nil {
		return c, nil, nil, err
	}
	if c.how.IfVersion == "*" {
		c.exists, c.how.IfVersion = true, ""
	}
	switch err := c.how.Check(); {
	case errors.Is(err, document.ErrWait):
		return c, nil, nil, fmt.Errorf("wait %w", err)
	case err != nil:
		return c, nil, nil, fmt.Errorf("If-Match: %w", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	return c, ctx, cancel, nil
}

// open attaches to the document that is to be changed.
func (s *Server) open(ctx context.Context, c change, initial json.RawMessage, opts ...zkstate.OpenOption) (*document.State, []zkstate.UpdateOption, error) {
	opts = append(opts, zkstate.WithApp(appName), zkstate.WithActor(c.actor), zkstate.WithLogger(s.logger))
	st, err := zkstate.Open(ctx, s.store, c.path, initial, opts...)
	if err != nil {
		return nil, nil, err
	}
	update, err := c.how.Options(ctx, s.store, c.path)
	if err != nil {
		st.Close()
		return nil, nil, err
	}
	return st, update, nil
}

// edit makes an edit of a document that exists.
func (s *Server) edit(ctx context.Context, c change, edit document.Edit) (version zkstate.Version, err error) {
	err = s.changing(ctx, c, func() error {
		if err := s.isAbsent(ctx, c); err != nil {
			return err
		}
		st, opts, err := s.open(ctx, c, nil, edit.Open(false)...)
		if err != nil {
			return err
		}
		defer st.Close()
		version, err = edit.Update(ctx, st, opts...)
		return err
	})
	return version, err
}

// create makes a document that must not exist, and waits for those that it is to wait for.
func (s *Server) create(ctx context.Context, c change, doc []byte, keep int) (version zkstate.Version, err error) {
	err = s.changing(ctx, c, func() error {
		st, opts, err := s.open(ctx, c, doc, zkstate.CreateOnly(), zkstate.WithHistory(keep), zkstate.WithCreateReason(c.how.Reason))
		if err != nil {
			return err
		}
		defer st.Close()
		version, _ = st.Created()
		if c.how.Wait == "" {
			return nil
		}
		_, err = st.Update(ctx, func(*json.RawMessage) error { return nil }, opts...) // which waits
		return err
	})
	return version, err
}

// isAbsent refuses a change of a value in a document that must not exist: it cannot succeed.
func (s *Server) isAbsent(ctx context.Context, c change) error {
	if !c.absent {
		return nil
	}
	place, err := document.StatPlace(ctx, s.store, c.path)
	if err != nil {
		return err
	}
	return c.holds(place.Version)
}

// changing runs a change. What If-Match and If-None-Match say are preconditions: if one
// fails, the error has the status for that, and the present version.
func (s *Server) changing(ctx context.Context, c change, run func() error) error {
	err := run()
	switch {
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrExists):
	case c.conditional() && (errors.Is(err, store.ErrNotFound) || errors.Is(err, zkstate.ErrDeleted)):
		err = fmt.Errorf("%w: %w", store.ErrConflict, err)
	default:
		return err
	}
	moved := conflictError{error: err}
	if rec, loadErr := s.store.Load(ctx, c.path, store.Version{}, store.Linearizable); loadErr == nil {
		moved.present = rec.Version
	}
	if !c.conditional() && !c.absent {
		return moved
	}
	return statusError{moved, http.StatusPreconditionFailed, exitcode.Conflict}
}

// holds checks the preconditions against a version.
func (c change) holds(present zkstate.Version) error {
	switch {
	case present.IsZero() && c.conditional():
		return fmt.Errorf("%s: document %w", c.path, store.ErrNotFound)
	case !present.IsZero() && c.absent:
		return fmt.Errorf("%s: document %w", c.path, store.ErrExists)
	}
	if c.how.IfVersion == "" {
		return nil
	}
	wanted, counter, err := document.ParseVersion(c.how.IfVersion)
	if err != nil {
		return err
	}
	if wanted.IsZero() && present.Counter() == counter || wanted.Same(present) {
		return nil
	}
	return fmt.Errorf("%s is at version %v, not at %s: %w: read again and retry", c.path, present, c.how.IfVersion, store.ErrConflict)
}
