package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

// getServer answers with what a client should know of the server.
func (s *Server) getServer(w http.ResponseWriter, r *http.Request) error {
	if err := parseQuery(r).err; err != nil {
		return err
	}
	return s.sendJSON(w, r, http.StatusOK, struct {
		Version string `json:"version"`
		Store   string `json:"store"`
		Write   bool   `json:"write"`
		Actor   string `json:"actor"` // who the client is in journals
	}{s.cfg.Version, s.cfg.StoreName, s.cfg.Write, history.Self("", appName).As(s.actor(r)).User})
}

// getTree answers with what is below a folder.
func (s *Server) getTree(w http.ResponseWriter, r *http.Request) error {
	p := parseQuery(r, "folder", "recursive")
	folder, recursive := "/", p.flag("recursive")
	if p.has("folder") {
		folder = p.text("folder")
	}
	if p.err != nil {
		return p.err
	}
	if err := store.CheckFolder(folder); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), defaultTimeout)
	defer cancel()
	found, err := document.List(ctx, s.store, folder, recursive)
	if err != nil {
		return err
	}
	places := make([]document.Place, len(found))
	for i, place := range found {
		places[i] = document.Describe(place)
	}
	body, err := encode(struct {
		Folder string           `json:"folder"`
		Places []document.Place `json:"places"`
	}{folder, places})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	tag := hex.EncodeToString(sum[:12])
	w.Header().Set("ETag", quote(tag))
	w.Header().Set("Cache-Control", "private, no-cache")
	if tags := noneMatch(r); slices.Contains(tags, tag) || slices.Contains(tags, "*") {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	s.send(w, r, body)
	return nil
}

// view is the answer to a GET that describes a document.
func view(s *Server, describe func(ctx context.Context, path string) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		path, err := documentPath(r)
		if err == nil {
			err = parseQuery(r).err
		}
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(r.Context(), defaultTimeout)
		defer cancel()
		described, err := describe(ctx, path)
		if err != nil {
			return err
		}
		return s.sendJSON(w, r, http.StatusOK, described)
	}
}

func (s *Server) stat(ctx context.Context, path string) (any, error) {
	place, err := document.StatPlace(ctx, s.store, path)
	if err != nil {
		return nil, err
	}
	keep, _, err := s.store.Journal(ctx, path, 0)
	return struct {
		document.Place
		Journal int `json:"journal"` // how many entries it keeps; 0: it is off
	}{document.Describe(place), keep}, err
}

func (s *Server) locks(ctx context.Context, path string) (any, error) {
	queue, err := s.store.Queue(ctx, path)
	return struct {
		Queue []document.Waiter `json:"queue"`
	}{document.Waiters(queue)}, err
}

// listening is who has a document open.
type listening struct {
	Version   zkstate.Version `json:"version"` // the newest of the document
	Listeners []listener      `json:"listeners"`
}

type listener struct {
	zkstate.Listener
	Behind int `json:"behind"` // commits behind the newest version
}

func (s *Server) listeners(ctx context.Context, path string) (any, error) {
	f, err := s.followers.acquire(ctx, path)
	if err != nil {
		return nil, err
	}
	defer s.followers.release(f)
	if _, _, err := f.state.ReadConsistent(ctx); err != nil && !f.rejected(err) {
		return nil, err
	}
	return f.readListeners(ctx)
}

// getHistory answers with the newest entries of a journal.
func (s *Server) getHistory(w http.ResponseWriter, r *http.Request) error {
	p := parseQuery(r, "newest")
	newest := p.number("newest", 100, 1, store.MaxJournal)
	path, err := documentPath(r)
	if err == nil {
		err = p.err
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), defaultTimeout)
	defer cancel()
	entries, err := document.History(ctx, s.store, path, newest)
	if err != nil {
		return err
	}
	if entries == nil {
		entries = []zkstate.Entry{}
	}
	return s.sendJSON(w, r, http.StatusOK, struct {
		Entries []zkstate.Entry `json:"entries"`
	}{entries})
}

// sendJSON answers with a value.
func (s *Server) sendJSON(w http.ResponseWriter, r *http.Request, status int, value any) error {
	body, err := encode(value)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	s.send(w, r, body)
	return nil
}

// send writes a body. A client that does not read it in time is given up.
func (s *Server) send(w http.ResponseWriter, r *http.Request, body []byte) {
	err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.cfg.WriteTimeout))
	if err == nil || errors.Is(err, http.ErrNotSupported) {
		_, err = w.Write(body)
	}
	if err != nil {
		s.logger.Debug("zkstate: a client is gone", "path", printable.Line(r.URL.Path), "error", err)
	}
}

// encode writes a value as one line of JSON.
func encode(value any) ([]byte, error) {
	var out jsonBuffer
	line := json.NewEncoder(&out)
	line.SetEscapeHTML(false)
	err := line.Encode(value)
	return out, err
}

type jsonBuffer []byte

// Write implements io.Writer.
func (b *jsonBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
