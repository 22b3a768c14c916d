package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/internal/document"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/store"
)

// problemBase is what the names of the problem types are appended to.
const problemBase = "https://github.com/zkstate/zkstate/blob/main/docs/HTTP.md#"

// kinds are the problem types. There is one for each exit code of the command line.
var kinds = map[int]struct{ name, title string }{
	exitcode.Other:       {"failed", "It failed"},
	exitcode.Usage:       {"usage", "The request is malformed"},
	exitcode.NotFound:    {"not-found", "There is no such document, place or version"},
	exitcode.Conflict:    {"conflict", "The document is not as the request supposes"},
	exitcode.Unreachable: {"unreachable", "The store did not answer in time"},
	exitcode.Rejected:    {"rejected", "The text is refused"},
	exitcode.LockLost:    {"lock-lost", "The lock was lost"},
	exitcode.NotApplied:  {"not-applied", "It is committed, and not everybody has applied it"},
	exitcode.Busy:        {"busy", "Others are served first"},
}

// ProblemType returns the type of the problems that an exit code of the command line stands
// for, empty if there is none.
func ProblemType(exit int) string {
	if kind, ok := kinds[exit]; ok {
		return problemBase + kind.name
	}
	return ""
}

// Problem is the body of an error (RFC 9457).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"` // of HTTP
	Detail string `json:"detail"` // what happened, on one line
	Exit   int    `json:"exit"`   // the exit code that the command line has for it

	Version *zkstate.Version   `json:"version,omitempty"` // of a conflict: the present one; else the one concerned
	Pointer string             `json:"pointer,omitempty"` // where a text is refused, a JSON Pointer
	Offset  *int64             `json:"offset,omitempty"`  // the same in bytes from its start
	Pending []zkstate.Listener `json:"pending,omitempty"` // who has not applied the version
}

// statusError is an error with a status of its own.
type statusError struct {
	error
	status, exit int
}

func (e statusError) Unwrap() error { return e.error }

// refuse makes an error of a request itself.
func refuse(status, exit int, text string) error {
	return statusError{errors.New(text), status, exit}
}

func malformed(text string) error { return refuse(http.StatusBadRequest, exitcode.Usage, text) }

// statuses are the HTTP statuses of errors that do not have their kind's.
var statuses = []struct {
	err    error
	status int
}{
	{zkstate.ErrUnknownOutcome, http.StatusGatewayTimeout},
	{zkstate.ErrNotApplied, http.StatusAccepted},
	{zkstate.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{zkstate.ErrRejected, http.StatusConflict}, // what is stored
	{document.ErrSeveral, http.StatusConflict},
	{document.ErrDeletes, http.StatusUnprocessableEntity},
	{store.ErrQuota, http.StatusInsufficientStorage},
	{zkstate.ErrDenied, http.StatusForbidden},
	{store.ErrEphemeralParent, http.StatusConflict},
	{context.Canceled, http.StatusServiceUnavailable},
	{zkstate.ErrClosed, http.StatusServiceUnavailable},
}

// kindStatuses are the HTTP statuses of kinds.
var kindStatuses = map[int]int{
	exitcode.Usage:       http.StatusBadRequest,
	exitcode.NotFound:    http.StatusNotFound,
	exitcode.Conflict:    http.StatusConflict,
	exitcode.Unreachable: http.StatusServiceUnavailable,
	exitcode.Rejected:    http.StatusUnprocessableEntity,
	exitcode.LockLost:    http.StatusConflict,
	exitcode.NotApplied:  http.StatusAccepted,
	exitcode.Busy:        http.StatusLocked,
}

// problemOf describes an error.
func problemOf(err error) Problem {
	p := Problem{Status: http.StatusInternalServerError}
	p.Exit, _ = exitcode.Of(err)
	if status, ok := kindStatuses[p.Exit]; ok {
		p.Status = status
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			p.Status = s.status
			break
		}
	}
	var own statusError
	if errors.As(err, &own) {
		p.Status, p.Exit = own.status, own.exit
	}
	p.Type, p.Title = ProblemType(p.Exit), kinds[p.Exit].title
	p.Detail = printable.Line(strings.ToValidUTF8(err.Error(), "?"))
	p.describe(err)
	return p
}

// describe adds what a kind of error knows.
func (p *Problem) describe(err error) {
	var rejected *zkstate.RejectedError
	var syntax *diff.SyntaxError
	var late *zkstate.NotAppliedError
	var moved conflictError
	switch {
	case errors.As(err, &rejected):
		p.Version, p.Pointer = &rejected.Version, rejected.Pointer
		if rejected.Offset >= 0 {
			p.Offset = &rejected.Offset
		}
	case errors.As(err, &syntax):
		p.Pointer, p.Offset = syntax.Pointer, &syntax.Offset
	case errors.As(err, &late):
		p.Version = &late.Version
		p.Pending = append(append(p.Pending, late.Rejected...), late.Silent...)
	case errors.As(err, &moved):
		p.Version = &moved.present
	}
}

// conflictError is a conflict with the version that the document has.
type conflictError struct {
	error
	present zkstate.Version
}

func (e conflictError) Unwrap() error { return e.error }

// fail answers with a problem.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	header := w.Header()
	for _, name := range []string{"ETag", "Last-Modified", "Content-Length"} {
		header.Del(name)
	}
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="zkstate"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", "1")
	case http.StatusInternalServerError:
		s.logger.Error("zkstate: a request failed", "method", r.Method, "path", printable.Line(r.URL.Path), "error", err)
	}
	w.WriteHeader(p.Status)
	body := json.NewEncoder(w)
	body.SetEscapeHTML(false)
	_ = body.Encode(p) // a client that is gone needs no answer
}
