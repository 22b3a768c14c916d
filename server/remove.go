package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/store"
)

// deleteDocument deletes a document, or removes the value at a pointer.
func (s *Server) deleteDocument(w http.ResponseWriter, r *http.Request) error {
	p := parseQuery(r, append(writeParams, "pointer")...)
	c, ctx, cancel, err := s.readChange(r, p)
	if err != nil {
		return err
	}
	defer cancel()
	if p.has("pointer") {
		return s.commit(ctx, w, r, c, document.Unset(p.text("pointer")))
	}
	err = s.changing(ctx, c, func() error { return s.delete(ctx, c) })
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) delete(ctx context.Context, c change) error {
	st, opts, err := s.open(ctx, c, nil, zkstate.NoCreate(), zkstate.TolerateRejected())
	if errors.Is(err, store.ErrTooLarge) && c.how.IfVersion == "" && c.how.Wait == "" {
		return document.DeleteUnread(ctx, s.store, c.path)
	}
	if err != nil {
		return err
	}
	defer st.Close()
	return st.Delete(ctx, opts...)
}

// rollback makes a document what it was at a version.
func (s *Server) rollback(w http.ResponseWriter, r *http.Request) error {
	p := parseQuery(r, append(writeParams, "to")...)
	if !p.has("to") {
		p.refuse("to must be a version: history shows them")
	}
	c, ctx, cancel, err := s.readChange(r, p)
	if err != nil {
		return err
	}
	defer cancel()
	entry, err := document.At(ctx, s.store, c.path, p.text("to"))
	if err != nil {
		return err
	}
	if c.how.Reason == "" {
		c.how.Reason = fmt.Sprintf("rollback to %v", entry.Version)
	}
	var version zkstate.Version
	err = s.changing(ctx, c, func() error {
		st, opts, err := s.open(ctx, c, nil, zkstate.NoCreate(), zkstate.TolerateRejected())
		if err != nil {
			return err
		}
		defer st.Close()
		version, err = st.Rollback(ctx, entry.Version, opts...)
		return err
	})
	if err != nil {
		return err
	}
	return s.committed(w, r, http.StatusOK, c.path, version)
}

// dryRun answers with what an edit would change, and changes nothing.
func (s *Server) dryRun(ctx context.Context, w http.ResponseWriter, r *http.Request, c change, edit document.Edit, creates bool) error {
	rec, err := document.Load(ctx, s.store, c.path, store.Version{}, store.Linearizable)
	if errors.Is(err, store.ErrNotFound) && creates {
		err = nil
	}
	if err == nil && !rec.Version.IsZero() {
		err = document.Check(c.path, rec)
	}
	if err == nil {
		err = s.changing(ctx, c, func() error { return c.holds(rec.Version) })
	}
	if err != nil {
		return err
	}
	after, err := edit.Apply(rec.Data)
	if err != nil {
		return err
	}
	changes, err := diff.Diff(rec.Data, after)
	if err != nil {
		return err
	}
	if changes == nil {
		changes = []diff.Change{}
	}
	w.Header().Set("ETag", quote(rec.Version.String()))
	return s.sendJSON(w, r, http.StatusOK, struct {
		Path    string          `json:"path"`
		Version zkstate.Version `json:"version"` // that the changes are of
		Changes []diff.Change   `json:"changes"`
	}{c.path, rec.Version, changes})
}
