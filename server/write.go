package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

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
	if c.conditional() {
		return refuse(http.StatusPreconditionFailed, exitcode.Conflict, "what must not exist is at no version, so If-Match cannot hold")
	}
	version, err := s.create(ctx, c, doc, keep)
	if err != nil {
		return err
	}
	return s.created(w, r, c, version)
}

// created answers the creation of a document.
func (s *Server) created(w http.ResponseWriter, r *http.Request, c change, version zkstate.Version) error {
	w.Header().Set("Location", r.URL.EscapedPath())
	return s.committed(w, r, http.StatusCreated, c.path, version)
}

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
	if tags := noneMatch(r); len(tags) > 1 || len(tags) == 1 && tags[0] != "*" {
		return malformed("If-None-Match must be * here")
	} else if c.absent = len(tags) == 1; c.absent && c.conditional() {
		return refuse(http.StatusPreconditionFailed, exitcode.Conflict, "If-Match and If-None-Match: * cannot both hold")
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
	return s.replaceOrCreate(ctx, w, r, c, value)
}

// replaceOrCreate goes to and fro between the two until one of them fits, unless it may only
// create.
func (s *Server) replaceOrCreate(ctx context.Context, w http.ResponseWriter, r *http.Request, c change, value []byte) error {
	edit := document.Replace(value)
	for {
		if !c.absent {
			version, err := s.edit(ctx, c, edit)
			if err == nil {
				return s.committed(w, r, http.StatusOK, c.path, version)
			}
			absent := errors.Is(err, store.ErrNotFound) || errors.Is(err, zkstate.ErrDeleted)
			if !absent || c.conditional() || ctx.Err() != nil {
				return err
			}
		}
		version, err := s.create(ctx, c, value, 0)
		switch {
		case err == nil:
			return s.created(w, r, c, version)
		case c.absent || !errors.Is(err, store.ErrExists):
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
