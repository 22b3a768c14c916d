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
	if raw && p.has("pointer") {
		p.refuse("raw is the whole document, so it goes with no pointer")
	}
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
	if raw {
		header.Set("Content-Type", "application/octet-stream")
		return s.send(w, r, rec.Data)
	}
	if err := document.Check(path, rec); err != nil {
		return err
	}
	value := rec.Data
	if p.has("pointer") {
		if value, err = diff.Lookup(rec.Data, p.text("pointer")); err != nil {
			return err
		}
	}
	header.Set("Content-Type", "application/json")
	return s.send(w, r, value)
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
