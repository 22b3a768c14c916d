package storeurl

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/zkstate/zkstate/internal/zk"
)

var schemeForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]{0,15}$`)

// zooKeeper has the schemes of ZooKeeper.
var zooKeeper = map[string]address{
	"zk":      {},
	"zks":     {tls: true},
	"zk+srv":  {srv: true},
	"zks+srv": {tls: true, srv: true},
}

// place is a URL taken apart.
type place struct {
	scheme  string // sqlite, mem, or one of ZooKeeper's
	file    string // of sqlite
	address        // of ZooKeeper
}

// address is where ZooKeeper is, and as whom to go there.
type address struct {
	scheme  string
	tls     bool
	srv     bool     // servers is one domain, whose SRV records name them
	secret  string   // user:password, empty if there is none
	servers []string // HOST, HOST:PORT or [IPv6]:PORT
	chroot  string   // empty, or it begins with /
	options
}

// String shows all but the secret.
func (a address) String() string {
	shown := a.scheme + "://"
	if a.secret != "" {
		shown += redacted + "@"
	}
	chroot := (&url.URL{Path: a.chroot}).EscapedPath()
	return shown + strings.Join(a.servers, ",") + strings.NewReplacer("@", "%40", ",", "%2C").Replace(chroot) + a.options.String()
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
	}
	if kind, known := zooKeeper[scheme]; ok && known {
		kind.scheme = scheme
		address, err := parseAddress(kind, rest)
		return place{scheme: scheme, address: address}, err
	}
	shown := redacted
	if strings.HasPrefix(rest, "//") && schemeForm.MatchString(scheme) { // else it may be a user's name
		shown = scheme + "://" + redacted
	}
	return place{}, refuse(shown, "it must be sqlite:FILE, zk://HOST:PORT,HOST:PORT/CHROOT (or zks, zk+srv, zks+srv), or mem:")
}

func refuse(shown, why string) error { return fmt.Errorf("%w: %s: %s", ErrURL, shown, why) }

// parseAddress takes apart //user:password@h1,h2/chroot?session=4s. The credentials end
// at the last @ before the first / or ?. An @ behind that could belong to a password
// that should have been encoded, so it is refused: else a piece of the password would be
// taken for a server or the chroot.
func parseAddress(a address, rest string) (_ address, err error) {
	refused := func(why string) (address, error) { return address{}, refuse(a.scheme+":"+redacted, why) }
	rest, slashes := strings.CutPrefix(rest, "//")
	if !slashes {
		return refused("after " + a.scheme + ": there must be //, as in zk://HOST:PORT,HOST:PORT/CHROOT")
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
	if a.servers, err = parseServers(authority, a.srv); err != nil {
		return refused(err.Error())
	}
	chroot, query, _ := strings.Cut(tail, "?")
	if strings.Contains(chroot, ",") {
		return refused("the chroot stands once, behind all servers (write %2C for a comma in it)")
	}
	if a.chroot, err = url.PathUnescape(chroot); err != nil {
		return refused("the chroot must be percent-encoded: write %25 for %")
	}
	options, err := parseOptions(query, a.tls)
	if err != nil {
		return address{}, refuse(a.String(), err.Error())
	}
	a.options = options
	return a, nil
}

// parseServers takes the list of servers apart, or checks the domain of SRV records. Its
// errors show nothing of them.
func parseServers(list string, srv bool) ([]string, error) {
	if srv {
		if _, _, err := zk.ParseSRV(list); err != nil {
			return nil, errors.New("it must be one domain without a port, whose SRV records name the servers")
		}
		return []string{list}, nil
	}
	servers := strings.Split(list, ",")
	for n, server := range servers {
		servers[n] = strings.TrimSpace(server)
		if _, _, err := zk.ParseServers(server, zk.DefaultPort); err != nil {
			return nil, fmt.Errorf("server %d must be HOST, HOST:PORT or [IPv6]:PORT", n+1)
		}
	}
	return servers, nil
}
