package zk

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// Ports of a server that is written without one.
const (
	DefaultPort = 2181
	// DefaultSecurePort is for TLS. ZooKeeper itself has no default for it; this is the port of its guides.
	DefaultSecurePort = 2281
)

// ErrAddress: a text does not name servers.
var ErrAddress = errors.New("not a list of servers, which is written HOST:PORT,HOST:PORT/CHROOT")

// ParseServers reads a list of servers as ZooKeeper's own tools write it, "h1:2181,h2:2181/chroot". Blanks around an
// entry do not matter, and the port may be left out, which then is the given one. An IPv6 address is written
// "[::1]:2181", or bare without a port.
// The chroot comes once, at the end; it is empty if there is none. The error matches ErrAddress.
func ParseServers(list string, defaultPort int) (hosts Hosts, chroot string, err error) {
	servers, chroot, found := strings.Cut(strings.TrimSpace(list), "/")
	if found {
		if chroot, err = parseChroot(chroot); err != nil {
			return nil, "", err
		}
	}
	for entry := range strings.SplitSeq(servers, ",") {
		host, err := parseHost(strings.TrimSpace(entry), defaultPort)
		if err != nil {
			return nil, "", err
		}
		hosts = append(hosts, host)
	}
	return hosts, chroot, nil
}

// parseChroot takes what stands behind the first slash.
func parseChroot(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if strings.Contains(text, ",") {
		return "", fmt.Errorf("chroot %q: it comes once, behind the last server, and has no comma: %w", "/"+text, ErrAddress)
	}
	for segment := range strings.SplitSeq(text, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, unicode.IsControl) {
			return "", fmt.Errorf("chroot %q: it is not a path of a node: %w", "/"+text, ErrAddress)
		}
	}
	return "/" + text, nil
}

// parseHost returns host:port of one entry.
func parseHost(entry string, defaultPort int) (string, error) {
	if err := refuseCredentials(entry); err != nil {
		return "", err
	}
	host, port, err := splitPort(entry, defaultPort)
	if err == nil {
		err = checkHost(host)
	}
	if err != nil {
		return "", fmt.Errorf("server %q: %w: %w", entry, err, ErrAddress)
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// refuseCredentials does not show what is before the @, for it may be a secret.
func refuseCredentials(entry string) error {
	at := strings.LastIndexByte(entry, '@')
	if at < 0 {
		return nil
	}
	return fmt.Errorf("server \"...%s\": credentials do not belong into the list: %w", entry[at:], ErrAddress)
}

// splitPort takes an entry apart, and puts the default where there is no port.
func splitPort(entry string, defaultPort int) (host string, port int, err error) {
	if inner, ok := strings.CutPrefix(entry, "["); ok {
		host, rest, ok := strings.Cut(inner, "]")
		if addr, err := netip.ParseAddr(host); !ok || err != nil || !addr.Is6() {
			return "", 0, errors.New("there is no IPv6 address in brackets")
		}
		if rest == "" {
			return host, defaultPort, nil
		}
		digits, ok := strings.CutPrefix(rest, ":")
		if !ok {
			return "", 0, errors.New("behind the brackets there is something else than a port")
		}
		port, err := parsePort(digits)
		return host, port, err
	}
	last := strings.LastIndexByte(entry, ':')
	if last < 0 {
		return entry, defaultPort, nil
	}
	if strings.Count(entry, ":") > 1 {
		return splitBareIPv6(entry, last, defaultPort)
	}
	port, err = parsePort(entry[last+1:])
	return entry[:last], port, err
}

// splitBareIPv6 refuses an entry whose last part may be a port: ZooKeeper's own client takes it for one.
func splitBareIPv6(entry string, last, defaultPort int) (string, int, error) {
	_, asPort := parsePort(entry[last+1:])
	if addr, err := netip.ParseAddr(entry[:last]); err == nil && addr.Is6() && asPort == nil {
		return "", 0, fmt.Errorf("an IPv6 address is written in brackets, [%s] or [%s]:%s", entry, entry[:last], entry[last+1:])
	}
	if _, err := netip.ParseAddr(entry); err != nil {
		return "", 0, errors.New("there is more than one colon, and it is not an IPv6 address")
	}
	return entry, defaultPort, nil
}

func parsePort(digits string) (int, error) {
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("the port must be a number from 1 to 65535")
	}
	return int(port), nil
}

// checkHost accepts an IP address, and a name that DNS or a file of hosts may have.
func checkHost(host string) error {
	if host == "" {
		return errors.New("the host is missing")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.ContainsFunc(label, notInName) {
			return errors.New("the host is neither a name nor an IP address")
		}
	}
	if len(host) > 254 || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return errors.New("the host is neither a name nor an IP address")
	}
	return nil
}

// notInName allows the underscore too: containers are named with it.
func notInName(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}
