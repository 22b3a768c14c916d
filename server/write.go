package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/history"
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
	actor  string
}

// writeParams are the parameters that all changes have.
var writeParams = []string{"reason", "wait", "timeout"}

// readChange reads what all changes have in common, and returns the context of the work.
func (s *Server) readChange(r *http.Request, p *params) (change, context.Context, context.CancelFunc, error) {
	c := change{how: document.Write{Reason: p.text("reason"), Wait: p.text("wait")}, actor: s.actor(r)}
	timeout := p.timeout()
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
func (s *Server) open(ctx context.Context, c change, opts ...zkstate.OpenOption) (*document.State, []zkstate.UpdateOption, error) {
	opts = append(opts, zkstate.WithApp(appName), zkstate.WithActor(c.actor), zkstate.WithLogger(s.logger))
	st, err := zkstate.Open(ctx, s.store, c.path, json.RawMessage(nil), opts...)
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
		st, opts, err := s.open(ctx, c, edit.Open(false)...)
		if err != nil {
			return err
		}
		defer st.Close()
		version, err = edit.Update(ctx, st, opts...)
		return err
	})
	return version, err
}

// changing runs a change. What If-Match says is a precondition: if it fails, the error has
// the status for that, and the present version.
func (s *Server) changing(ctx context.Context, c change, run func() error) error {
	err := run()
	conditional := c.exists || c.how.IfVersion != ""
	switch {
	case errors.Is(err, store.ErrConflict):
	case conditional && (errors.Is(err, store.ErrNotFound) || errors.Is(err, zkstate.ErrDeleted)):
		err = fmt.Errorf("%w: %w", store.ErrConflict, err)
	default:
		return err
	}
	moved := conflictError{error: err}
	if rec, loadErr := s.store.Load(ctx, c.path, store.Version{}, store.Linearizable); loadErr == nil {
		moved.present = rec.Version
	}
	if !conditional {
		return moved
	}
	return statusError{moved, http.StatusPreconditionFailed, exitcode.Conflict}
}

// committed answers a change.
func (s *Server) committed(w http.ResponseWriter, r *http.Request, status int, path string, version zkstate.Version) error {
	w.Header().Set("ETag", quote(version.String()))
	return s.sendJSON(w, r, status, struct {
		Path      string          `json:"path"`
		Version   zkstate.Version `json:"version"`
		Committed time.Time       `json:"committed"`
	}{path, version, time.Now().UTC()})
}

// postDocument creates a document that must not exist.
func (s *Server) postDocument(w http.ResponseWriter, r *http.Request) error {
	p := parseQuery(r, append(writeParams, "history")...)
	keep := p.number("history", 0, 0, store.MaxJournal)
	c, ctx, cancel, err := s.readChange(r, p)
	if err != nil {
		return err
	}
	defer cancel()
	doc, err := s.readJSON(w, r, "application/json")
	if err != nil {
		return err
	}
	version, err := document.Create(ctx, s.store, c.path, doc, keep, s.who(c.actor), c.how.Reason)
	if err != nil {
		return err
	}
	return s.created(ctx, w, r, c, document.Replace(doc), version)
}

// created answers the creation of a document, and waits before for those that it was asked to
// wait for: an edit that changes nothing does that.
func (s *Server) created(ctx context.Context, w http.ResponseWriter, r *http.Request, c change, same document.Edit, version zkstate.Version) error {
	if c.how.Wait != "" {
		c.how.IfVersion = version.String()
		if _, err := s.edit(ctx, c, same); err != nil {
			return err
		}
	}
	w.Header().Set("Location", r.URL.EscapedPath())
	return s.committed(w, r, http.StatusCreated, c.path, version)
}

func (s *Server) who(actor string) history.Who { return history.Self("", appName).As(actor) }

// putDocument replaces or creates a document, or sets the value at a pointer.
func (s *Server) putDocument(w http.ResponseWriter, r *http.Request) error {
	p := parseQuery(r, append(writeParams, "pointer", "dry_run")...)
	dry := p.flag("dry_run")
	c, ctx, cancel, err := s.readChange(r, p)
	if err != nil {
		return err
	}
	defer cancel()
	value, err := s.readJSON(w, r, "application/json")
	if err != nil {
		return err
	}
	tags := noneMatch(r)
	if len(tags) > 1 || len(tags) == 1 && (tags[0] != "*" || p.has("pointer")) {
		return malformed("If-None-Match goes with PUT of a document, and must be * then")
	}
	edit := document.Replace(value)
	if p.has("pointer") {
		edit = document.Set(p.text("pointer"), value)
	}
	switch {
	case dry:
		return s.dryRun(ctx, w, r, c, edit, !p.has("pointer"))
	case p.has("pointer"):
		return s.commit(ctx, w, r, c, edit)
	}
	return s.replaceOrCreate(ctx, w, r, c, value, len(tags) == 1)
}

// replaceOrCreate goes to and fro between the two until one of them fits, unless it may only
// create.
func (s *Server) replaceOrCreate(ctx context.Context, w http.ResponseWriter, r *http.Request, c change, value []byte, createOnly bool) error {
	edit, conditional := document.Replace(value), c.exists || c.how.IfVersion != ""
	for {
		if !createOnly {
			version, err := s.edit(ctx, c, edit)
			if err == nil {
				return s.committed(w, r, http.StatusOK, c.path, version)
			}
			absent := errors.Is(err, store.ErrNotFound) || errors.Is(err, zkstate.ErrDeleted)
			if !absent || conditional || ctx.Err() != nil {
				return err
			}
		}
		version, err := document.Create(ctx, s.store, c.path, value, 0, s.who(c.actor), c.how.Reason)
		switch {
		case err == nil:
			return s.created(ctx, w, r, c, edit, version)
		case createOnly && errors.Is(err, store.ErrExists):
			return statusError{err, http.StatusPreconditionFailed, exitcode.Conflict}
		case !errors.Is(err, store.ErrExists):
			return err
		}
	}
}

func (s *Server) commit(ctx context.Context, w http.ResponseWriter, r *http.Request, c change, edit document.Edit) error {
	version, err := s.edit(ctx, c, edit)
	if err != nil {
		return err
	}
	return s.committed(w, r, http.StatusOK, c.path, version)
}

// patchDocument applies a JSON Patch or a JSON Merge Patch.
func (s *Server) patchDocument(w http.ResponseWriter, r *http.Request) error {
	p := parseQuery(r, append(writeParams, "dry_run")...)
	dry := p.flag("dry_run")
	c, ctx, cancel, err := s.readChange(r, p)
	if err != nil {
		return err
	}
	defer cancel()
	text, err := s.readJSON(w, r, "application/json-patch+json", "application/merge-patch+json")
	if err != nil {
		return err
	}
	edit := document.MergePatch(text)
	if mediaType(r) == "application/json-patch+json" {
		patch, err := diff.ParsePatch(text)
		if err != nil {
			return err
		}
		edit = document.Patch(patch)
	}
	if dry {
		return s.dryRun(ctx, w, r, c, edit, false)
	}
	return s.commit(ctx, w, r, c, edit)
}
