package zkstore

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

const defaultPort = "2181"

// parseServers checks "host", "host:port" and "[v6]:port", and adds the default
// port.
func parseServers(servers []string) ([]string, error) {
	if len(servers) == 0 {
		return nil, errors.New("no servers given: name at least one host:port")
	}
	parsed := make([]string, len(servers))
	for i, server := range servers {
		host, port, err := net.SplitHostPort(server)
		if err != nil {
			host, port = strings.Trim(server, "[]"), defaultPort
			if strings.Contains(server, ":") && !strings.HasPrefix(server, "[") {
				return nil, fmt.Errorf("server %q: it must be host:port", server)
			}
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if host == "" || err != nil || n == 0 {
			return nil, fmt.Errorf("server %q: it must be host:port", server)
		}
		parsed[i] = net.JoinHostPort(host, port)
	}
	return parsed, nil
}

// hosts is the client's list of servers. The library's own resolves names once,
// and gives up if one of them does not resolve; this one keeps the names, and the
// dialer resolves them each time.
type hosts struct {
	mu        sync.Mutex // guards all below
	servers   []string
	next      int
	tried     int       // since the last connection that lasted
	connected time.Time // when the present connection was made, zero if there is none
	stopped   bool
}

// lasting is how long a connection must hold to count as a success. Without that a
// server that accepts and hangs up would be tried again without a pause.
const lasting = 100 * time.Millisecond

// Init implements zk.HostProvider.
func (h *hosts) Init(servers []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.servers = servers
	return nil
}

// Len implements zk.HostProvider.
func (h *hosts) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.servers)
}

// Next implements zk.HostProvider. After every full round without a connection that
// lasted it asks the client to pause, which is also when the client fails waiting requests and
// looks whether it should quit.
func (h *hosts) Next() (server string, retryStart bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.connected.IsZero() && time.Since(h.connected) >= lasting {
		h.tried = 0
	}
	h.connected = time.Time{}
	server = h.servers[h.next%len(h.servers)]
	h.next++
	retryStart = h.stopped || h.tried > 0 && h.tried%len(h.servers) == 0
	h.tried++
	return server, retryStart
}

// Connected implements zk.HostProvider.
func (h *hosts) Connected() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connected = time.Now()
}

// stay makes Next give the same server once more. A server that says that the
// session has expired is the one to ask for a new session: another one might not
// know, or belong to somebody else.
func (h *hosts) stay() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next--
}

// stop makes Next send the client to its exit.
func (h *hosts) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
}
