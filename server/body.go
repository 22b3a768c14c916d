package server

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

// mediaType is the type that a request says its body has, without parameters.
func mediaType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// readJSON reads a body, which must be good JSON of one of these types. A page of another
// origin cannot send these types without asking first, which is one reason to insist on them.
func (s *Server) readJSON(w http.ResponseWriter, r *http.Request, types ...string) ([]byte, error) {
	if !slices.Contains(types, mediaType(r)) {
		return nil, refuse(http.StatusUnsupportedMediaType, exitcode.Usage, "Content-Type must be "+strings.Join(types, " or "))
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, refuse(http.StatusUnsupportedMediaType, exitcode.Usage, "there must be no Content-Encoding")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, store.MaxCommit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, fmt.Errorf("the body has more than %d bytes: %w", large.Limit, store.ErrTooLarge)
	case err != nil:
		return nil, malformed("the body did not arrive")
	}
	if err := diff.Check(body); err != nil {
		return nil, fmt.Errorf("the body: %w", err)
	}
	return body, nil
}
