package storeurl

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/zkstate/zkstate/store/zkstore"
)

// The session timeouts that make sense. A server grants between 2 and 20 of its ticks,
// which is 4 s to 40 s unless it is configured otherwise.
const (
	minSession = time.Second
	maxSession = time.Hour
)

// options are what stands behind the ? of ZooKeeper's URLs.
type options struct {
	session time.Duration    // to ask for, or 0
	files   zkstore.TLSFiles // of TLS
}

// fields are those of the files by their names in a URL, in the order in which they are
// shown.
func (o *options) fields() []field {
	return []field{
		{"cafile", &o.files.CA}, {"cert", &o.files.Cert}, {"key", &o.files.Key}, {"servername", &o.files.ServerName},
	}
}

type field struct {
	name  string
	value *string
}

// String shows the options as a query, or nothing if there are none.
func (o options) String() string {
	var shown []string
	if o.session != 0 {
		shown = append(shown, "session="+o.session.String())
	}
	for _, f := range o.fields() {
		if *f.value != "" {
			shown = append(shown, f.name+"="+strings.ReplaceAll(url.QueryEscape(*f.value), "%2F", "/"))
		}
	}
	if len(shown) == 0 {
		return ""
	}
	return "?" + strings.Join(shown, "&")
}

// parseOptions reads a query. Those of TLS make no sense without it. Errors show none of
// the values.
func parseOptions(query string, tls bool) (o options, err error) {
	params, err := url.ParseQuery(query)
	if err != nil {
		return options{}, errors.New("what is behind the ? must be NAME=VALUE&NAME=VALUE, percent-encoded")
	}
	known := map[string]*string{}
	var session string
	known["session"] = &session
	if tls {
		for _, f := range o.fields() {
			known[f.name] = f.value
		}
	}
	for name, values := range params {
		value, ok := known[name]
		if !ok || len(values) != 1 || values[0] == "" {
			return options{}, fmt.Errorf("behind the ? there may be session=TIME%s, each once, and nothing else", tlsNames(tls))
		}
		*value = values[0]
	}
	if _, asked := params["session"]; !asked {
		return o, nil
	}
	o.session, err = time.ParseDuration(session)
	if err != nil || o.session < minSession || o.session > maxSession {
		return options{}, errors.New("session must be a time from 1s to 1h, such as 10s")
	}
	return o, nil
}

func tlsNames(tls bool) string {
	if !tls {
		return " (and cafile, cert, key, servername with zk+tls)"
	}
	return ", cafile=FILE, cert=FILE, key=FILE, servername=NAME"
}
