package server

import (
	"fmt"
	"net/http"
	"net/url"
	"path"

	"github.com/zkstate/zkstate/internal/exitcode"
)

// handler answers a request, or returns why it cannot.
type handler func(w http.ResponseWriter, r *http.Request) error

// routes has all that the server answers to.
func (s *Server) routes(page map[string]static) http.Handler {
	api := http.NewServeMux()
	methods := make(map[string][]string) // of each pattern
	on := func(method, pattern string, h handler) {
		methods[pattern] = append(methods[pattern], method)
		api.Handle(method+" "+pattern, s.answer(method, pattern, h))
	}
	on("GET", "/v1/server", s.getServer)
	on("GET", "/v1/tree", s.getTree)
	on("GET", "/v1/documents/{path...}", s.getDocument)
	on("PUT", "/v1/documents/{path...}", s.putDocument)
	on("POST", "/v1/documents/{path...}", s.postDocument)
	on("PATCH", "/v1/documents/{path...}", s.patchDocument)
	on("DELETE", "/v1/documents/{path...}", s.deleteDocument)
	on("GET", "/v1/stat/{path...}", view(s, s.stat))
	on("GET", "/v1/listeners/{path...}", view(s, s.listeners))
	on("GET", "/v1/locks/{path...}", view(s, s.locks))
	on("GET", "/v1/history/{path...}", s.getHistory)
	on("POST", "/v1/rollback/{path...}", s.rollback)
	on("GET", "/v1/events/{path...}", s.getEvents)
	for pattern, allowed := range methods {
		api.Handle(pattern, s.answer("", pattern, notAllowed(allowed)))
	}
	api.Handle("/", s.answer("", "", notFound))
	v1 := s.authenticate(api)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := page[r.URL.Path]
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case !isClean(r.URL):
			s.fail(w, r, malformed("the path has an empty element, or one of dots"))
		case isAPI(r):
			v1.ServeHTTP(w, r)
		case !ok:
			s.fail(w, r, notFound(w, r))
		case !reads:
			s.fail(w, r, notAllowed([]string{"GET"})(w, r))
		default:
			file.serve(w, r)
		}
	})
}

// isClean reports whether a path is one that a multiplexer does not redirect.
func isClean(u *url.URL) bool {
	escaped := u.EscapedPath()
	return escaped == path.Clean(escaped) || escaped == path.Clean(escaped)+"/"
}

func notFound(http.ResponseWriter, *http.Request) error {
	return refuse(http.StatusNotFound, exitcode.NotFound, "there is no such resource: /openapi.yaml describes those that there are")
}

// notAllowed answers a method that a resource does not have.
func notAllowed(allowed []string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		for _, method := range allowed {
			w.Header().Add("Allow", method)
		}
		return refuse(http.StatusMethodNotAllowed, exitcode.Usage, fmt.Sprintf("the resource has no method %q", r.Method))
	}
}

// answer runs a handler, if the server may and has room for it, and answers with a problem if
// it fails.
func (s *Server) answer(method, pattern string, h handler) http.Handler {
	changes := method != "GET" && method != ""
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.run(w, r, h, changes, pattern == "/v1/events/{path...}"); err != nil {
			s.fail(w, r, err)
		}
	})
}

func (s *Server) run(w http.ResponseWriter, r *http.Request, h handler, changes, streams bool) error {
	if changes && !s.cfg.Write {
		return errReadOnly
	}
	if !streams {
		select {
		case s.working <- struct{}{}:
			defer func() { <-s.working }()
		default:
			return refuse(http.StatusTooManyRequests, exitcode.Busy, "too many requests at once: try again in a second")
		}
	}
	return h(w, r)
}
