package server

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zkstate/zkstate/internal/exitcode"
)

// policy lets a page load and ask what is of this server, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard is before everything else: it sets the headers that every answer has, and refuses
// requests that a page of another origin may have caused.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if err := s.admit(r); err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func forbidden(text string) error { return refuse(http.StatusForbidden, exitcode.Other, text) }

// admit refuses a request for another host, which is how a page of another origin reaches a
// server of this network under its own name, and one that a page of another origin sent.
func (s *Server) admit(r *http.Request) error {
	if !s.serves(r.Host) {
		return forbidden("this server does not serve the host that the request names: start it with --host NAME if it should")
	}
	if origins := r.Header.Values("Origin"); len(origins) > 1 || len(origins) == 1 && !isOrigin(r, origins[0]) {
		return forbidden("the request comes from a page of another origin")
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case site == "", site == "same-origin", site == "none":
	case r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Method == http.MethodGet && !isAPI(r): // a link to the page
	default:
		return forbidden("the request comes from a page of another origin")
	}
	return nil
}

// serves reports whether the server goes by this name, whatever the port.
func (s *Server) serves(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	return slices.Contains(s.hosts, host)
}

// isOrigin reports whether an Origin is this server's own.
func isOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return err == nil && u.Scheme == scheme && strings.EqualFold(u.Host, r.Host)
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/") }
