package storeurl

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
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
	session  time.Duration // to ask for, or 0
	saslUser string        // whose password is among the credentials
	acl      zkstore.ACL
	aclText  string           // as it was written
	fixed    bool             // no servers but these
	files    zkstore.TLSFiles // of TLS
}

// parameter is one of the options by its name in a URL.
type parameter struct {
	name, form string
	tls        bool // it makes no sense without
	read       func(o *options, text string) error
	show       func(o options) string // "" if it is not there
}

// parameters are all of them, in the order in which they are shown.
var parameters = []parameter{
	{
		name: "session", form: "TIME",
		read: func(o *options, text string) (err error) {
			o.session, err = time.ParseDuration(text)
			if err != nil || o.session < minSession || o.session > maxSession {
				return errors.New("session must be a time from 1s to 1h, such as 10s")
			}
			return nil
		},
		show: func(o options) string {
			if o.session == 0 {
				return ""
			}
			return o.session.String()
		},
	},
	textParameter("sasl_user", "NAME", false, func(o *options) *string { return &o.saslUser }),
	{
		name: "acl", form: "creator|read|open|LIST",
		read: func(o *options, text string) (err error) {
			if o.acl, err = zkstore.ParseACL(text); err != nil {
				return err
			}
			o.aclText = text
			if slices.ContainsFunc(o.acl, func(e zkstore.ACLEntry) bool { return e.Scheme == "digest" }) {
				return fmt.Errorf("an acl with digest has the hash of a password, which does not belong into a URL: use $%s", ACLVariable)
			}
			return nil
		},
		show: func(o options) string { return o.aclText },
	},
	{
		name: "servers", form: "fixed",
		read: func(o *options, text string) error {
			if o.fixed = text == "fixed"; !o.fixed {
				return errors.New("servers can only be fixed")
			}
			return nil
		},
		show: func(o options) string {
			if !o.fixed {
				return ""
			}
			return "fixed"
		},
	},
	textParameter("cacert", "FILE", true, func(o *options) *string { return &o.files.CA }),
	textParameter("cert", "FILE", true, func(o *options) *string { return &o.files.Cert }),
	textParameter("key", "FILE", true, func(o *options) *string { return &o.files.Key }),
	textParameter("servername", "NAME", true, func(o *options) *string { return &o.files.ServerName }),
}

// textParameter is one whose value is taken as it is.
func textParameter(name, form string, tls bool, field func(*options) *string) parameter {
	return parameter{
		name: name, form: form, tls: tls,
		read: func(o *options, text string) error {
			*field(o) = text
			return nil
		},
		show: func(o options) string { return *field(&o) },
	}
}

// String shows the options as a query, or nothing if there are none.
func (o options) String() string {
	var shown []string
	for _, p := range parameters {
		if value := p.show(o); value != "" {
			shown = append(shown, p.name+"="+showValue.Replace(url.QueryEscape(value)))
		}
	}
	if len(shown) == 0 {
		return ""
	}
	return "?" + strings.Join(shown, "&")
}

// showValue leaves what needs no escape in a query as people write it.
var showValue = strings.NewReplacer("%2F", "/", "%3A", ":", "%3D", "=")

// parseOptions reads a query. Errors show none of the values.
func parseOptions(query string, tls bool) (o options, err error) {
	params, err := url.ParseQuery(query)
	if err != nil {
		return options{}, errors.New("what is behind the ? must be NAME=VALUE&NAME=VALUE, percent-encoded")
	}
	for name, values := range params {
		at := slices.IndexFunc(parameters, func(p parameter) bool { return p.name == name && (tls || !p.tls) })
		if at < 0 || len(values) != 1 || values[0] == "" {
			return options{}, fmt.Errorf("behind the ? there may be %s, each once, and nothing else", parameterNames(tls))
		}
		if err := parameters[at].read(&o, values[0]); err != nil {
			return options{}, err
		}
	}
	return o, nil
}

func parameterNames(tls bool) string {
	var plain, secure []string
	for _, p := range parameters {
		switch {
		case !p.tls || tls:
			plain = append(plain, p.name+"="+p.form)
		default:
			secure = append(secure, p.name)
		}
	}
	names := strings.Join(plain, ", ")
	if len(secure) > 0 {
		names += " (and " + strings.Join(secure, ", ") + " with zks)"
	}
	return names
}
