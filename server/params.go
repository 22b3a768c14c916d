package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/store"
)

// params are the query of a request. Its first fault is kept in err.
type params struct {
	values url.Values
	err    error
}

// parseQuery reads the query of a request, which may have the parameters of these names, each
// once.
func parseQuery(r *http.Request, names ...string) *params {
	p := &params{}
	p.values, p.err = url.ParseQuery(r.URL.RawQuery)
	if p.err != nil {
		p.err = malformed("the query is not well formed")
		return p
	}
	for name, given := range p.values {
		switch {
		case !slices.Contains(names, name):
			p.refuse("there is no parameter %q", name)
		case len(given) > 1:
			p.refuse("the parameter %s is there %d times", name, len(given))
		case !utf8.ValidString(given[0]):
			p.refuse("the parameter %s is not UTF-8", name)
		}
	}
	return p
}

func (p *params) refuse(format string, args ...any) {
	if p.err == nil {
		p.err = malformed(fmt.Sprintf(format, args...))
	}
}

func (p *params) has(name string) bool    { return p.values.Has(name) }
func (p *params) text(name string) string { return p.values.Get(name) }

// flag is true or false; the name alone is true.
func (p *params) flag(name string) bool {
	switch text := p.text(name); {
	case !p.has(name), text == "false":
		return false
	case text != "" && text != "true":
		p.refuse("%s must be true or false", name)
	}
	return true
}

// notEmpty refuses a parameter that is given and says nothing.
func (p *params) notEmpty(name string) {
	if p.has(name) && p.text(name) == "" {
		p.refuse("%s is empty", name)
	}
}

// number is between least and most, or what it is if it is not given.
func (p *params) number(name string, absent, least, most int) int {
	if !p.has(name) {
		return absent
	}
	n, err := strconv.Atoi(p.text(name))
	if err != nil || n < least || n > most || strconv.Itoa(n) != p.text(name) {
		p.refuse("%s must be a number from %d to %d", name, least, most)
	}
	return n
}

// timeout bounds a request.
func (p *params) timeout() time.Duration {
	if !p.has("timeout") {
		return defaultTimeout
	}
	return time.Duration(p.number("timeout", 0, 1, int(maxTimeout/time.Second))) * time.Second
}

// documentPath is the path of the document that a request is about.
func documentPath(r *http.Request) (string, error) {
	path := "/" + r.PathValue("path")
	return path, store.CheckPath(path)
}

// ifMatch returns the version that If-Match asks for, in the words of a user, "*" for any, and
// "" if there is none. It may be without the quotes, which are easily forgotten.
func ifMatch(r *http.Request) (string, error) {
	switch lines := r.Header.Values("If-Match"); {
	case len(lines) == 0:
		return "", nil
	case len(lines) > 1:
		return "", malformed("there is more than one If-Match")
	case lines[0] == "":
		return "", malformed("If-Match is empty")
	default:
		version, ok := unquote(lines[0])
		if !ok {
			version = lines[0]
		}
		return version, nil
	}
}

// noneMatch returns the tags of If-None-Match, in which weak ones count as strong.
func noneMatch(r *http.Request) (tags []string) {
	for _, line := range r.Header.Values("If-None-Match") {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if version, ok := unquote(tag); ok {
				tag = version
			}
			tags = append(tags, tag)
		}
	}
	return tags
}

func unquote(tag string) (string, bool) {
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return "", false
	}
	return tag[1 : len(tag)-1], true
}

func quote(tag string) string { return `"` + tag + `"` }

// errReadOnly is the answer to a change where the server was not told to allow it.
var errReadOnly = statusError{errors.New("this server is read-only: start it with --write"), http.StatusForbidden, exitcode.Other}
