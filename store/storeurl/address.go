package storeurl

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The session timeouts that make sense. A server grants between 2 and 20 of its ticks,
// which is 4 s to 40 s unless it is configured otherwise.
const (
	minSession = time.Second
	maxSession = time.Hour
)

var (
	schemeForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]{0,15}$`)
	hostForm   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$`)
)

// place is a URL taken apart.
type place struct {
	scheme  string // sqlite, zk or mem
	file    string // of sqlite
	address        // of zk
}

// address is where ZooKeeper is, and as whom to go there.
type address struct {
	secret  string   // user:password, empty if there is none
	servers []string // HOST, HOST:PORT or [IPv6]:PORT
	chroot  string   // empty, or it begins with /
	session time.Duration
}

// String shows all but the secret.
func (a address) String() string {
	shown := "zk://"
	if a.secret != "" {
		shown += redacted + "@"
	}
	chroot := (&url.URL{Path: a.chroot}).EscapedPath()
	shown += strings.Join(a.servers, ",") + strings.NewReplacer("@", "%40", ",", "%2C").Replace(chroot)
	if a.session != 0 {
		shown += "?session=" + a.session.String()
	}
	return shown
}

// parse takes a URL apart. Its errors show nothing that is not known to be free of
// secrets.
func parse(rawURL string) (place, error) {
	if strings.TrimSpace(rawURL) != rawURL || strings.ContainsAny(rawURL, "\r\n\x00") || strings.Trim(rawURL, "\"'`<>") != rawURL {
		return place{}, refuse(redacted, "a blank, a quotation mark or a line break belongs to no store URL: remove it")
	}
	scheme, rest, ok := strings.Cut(rawURL, ":")
	scheme = strings.ToLower(scheme)
	switch {
	case ok && scheme == "mem":
		if rest != "" {
			return place{}, refuse("mem:"+redacted, "nothing may follow mem:")
		}
		return place{scheme: scheme}, nil
	case ok && scheme == "sqlite":
		if after, ok := strings.CutPrefix(rest, "///"); ok { // sqlite:///absolute, as others write it
			rest = "/" + after
		}
		if rest == "" || strings.HasPrefix(rest, "//") || strings.Contains(rest, "://") {
			return place{}, refuse("sqlite:"+redacted, "it must be sqlite:FILE, where FILE is a path")
		}
		return place{scheme: scheme, file: rest}, nil
	case ok && scheme == "zk":
		address, err := parseAddress(rest)
		return place{scheme: scheme, address: address}, err
	}
	shown := redacted
	if strings.HasPrefix(rest, "//") && schemeForm.MatchString(scheme) { // else it may be a user's name
		shown = scheme + "://" + redacted
	}
	return place{}, refuse(shown, "it must be sqlite:FILE, zk://HOST:PORT,HOST:PORT/CHROOT or mem:")
}

func refuse(shown, why string) error { return fmt.Errorf("%w: %s: %s", ErrURL, shown, why) }

// parseAddress takes apart //user:password@h1,h2/chroot?session=4s. The credentials end
// at the last @ before the first / or ?. An @ behind that could belong to a password
// that should have been encoded, so it is refused: else a piece of the password would be
// taken for a server or the chroot.
func parseAddress(rest string) (a address, err error) {
	refused := func(why string) (address, error) { return address{}, refuse("zk:"+redacted, why) }
	rest, slashes := strings.CutPrefix(rest, "//")
	if !slashes {
		return refused("after zk: there must be //, as in zk://HOST:PORT,HOST:PORT/CHROOT")
	}
	authority, tail := rest, ""
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority, tail = rest[:end], rest[end:]
	}
	if strings.Contains(tail, "@") {
		return refused("there is an @ behind a / or ?: in a password or chroot write %2F for /, %3F for ? and %40 for @, or keep the password in the file that " + AuthFile + " names")
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		secret, err := url.PathUnescape(authority[:at])
		if user, password, ok := strings.Cut(secret, ":"); err != nil || !ok || user == "" || password == "" {
			return refused("before the @ there must be user:password, percent-encoded")
		}
		a.secret, authority = secret, authority[at+1:]
	}
	for n, server := range strings.Split(authority, ",") {
		server = strings.TrimSpace(server)
		if !isServer(server) {
			return refused(fmt.Sprintf("server %d must be HOST, HOST:PORT or [IPv6]:PORT", n+1))
		}
		a.servers = append(a.servers, server)
	}
	chroot, query, _ := strings.Cut(tail, "?")
	if strings.Contains(chroot, ",") {
		return refused("the chroot stands once, behind all servers (write %2C for a comma in it)")
	}
	if a.chroot, err = url.PathUnescape(chroot); err != nil {
		return refused("the chroot must be percent-encoded: write %25 for %")
	}
	a.session, err = parseQuery(query)
	if err != nil {
		return address{}, refuse(a.String(), err.Error())
	}
	return a, nil
}

func isServer(text string) bool {
	if addr, ok := strings.CutPrefix(text, "["); ok {
		addr, port, ok := strings.Cut(addr, "]")
		_, err := netip.ParseAddr(addr)
		return ok && err == nil && (port == "" || port[0] == ':' && isPort(port[1:]))
	}
	host, port, ok := strings.Cut(text, ":")
	return hostForm.MatchString(host) && (!ok || isPort(port))
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// parseQuery returns the session timeout to ask for, 0 if the query does not say.
func parseQuery(query string) (time.Duration, error) {
	params, err := url.ParseQuery(query)
	asked := params["session"]
	switch {
	case err == nil && len(params) == 0:
		return 0, nil
	case err != nil || len(params) != 1 || len(asked) != 1:
		return 0, errors.New("behind the ? there may be session=TIME, once, and nothing else")
	}
	session, err := time.ParseDuration(asked[0])
	if err != nil || session < minSession || session > maxSession {
		return 0, errors.New("session must be a time from 1s to 1h, such as 10s")
	}
	return session, nil
}
