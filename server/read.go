package server

import (
	"context"
	"net/http"
	"slices"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

// getDocument answers with a document, or with the value at a pointer.
func (s *Server) getDocument(w http.ResponseWriter, r *http.Request) error {
	p := parseQuery(r, "pointer", "consistent", "at", "raw")
	consistent, raw := p.flag("consistent"), p.flag("raw")
	p.notEmpty("at")
	path, err := documentPath(r)
	if err == nil {
		err = p.err
	}
	if err != nil {
		return err
	}
	rec, err := s.load(r, path, p.text("at"), consistent)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("ETag", quote(rec.Version.String()))
	header.Set("Cache-Control", "private, no-cache")
	if !rec.Time.IsZero() {
		header.Set("Last-Modified", rec.Time.UTC().Format(http.TimeFormat))
	}
	if rec.Data == nil || matchesNone(r, rec.Version) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	value, kind := rec.Data, "application/json"
	if raw {
		kind = "application/octet-stream"
	}
	if !raw || p.has("pointer") {
		err = document.Check(path, rec)
	}
	if err == nil && p.has("pointer") {
		value, err = diff.Lookup(rec.Data, p.text("pointer"))
	}
	if err != nil {
		return err
	}
	header.Set("Content-Type", kind)
	s.send(w, r, value)
	return nil
}

// load reads a document as it is or was. Its Data is nil if the client has it.
func (s *Server) load(r *http.Request, path, at string, consistent bool) (store.Record, error) {
	ctx, cancel := context.WithTimeout(r.Context(), defaultTimeout)
	defer cancel()
	if at != "" {
		entry, err := document.At(ctx, s.store, path, at)
		return store.Record{Version: entry.Version, Data: entry.Document(), Time: entry.Time}, err
	}
	mode := store.Local
	if consistent {
		mode = store.Linearizable
	}
	var known store.Version
	if tags := noneMatch(r); len(tags) == 1 {
		known, _ = store.ParseVersion(tags[0]) // another tag is not known
	}
	return document.Load(ctx, s.store, path, known, mode)
}

// matchesNone reports whether a client says that it has this version.
func matchesNone(r *http.Request, version store.Version) bool {
	tags := noneMatch(r)
	return slices.Contains(tags, "*") || slices.Contains(tags, version.String())
}
