package zkstore

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
)

// configPath is where an ensemble keeps its configuration, whatever the chroot.
const configPath = "/zookeeper/config"

// configBound is how long a server may take to tell it. It is asked again on the next
// connection.
const configBound = 10 * time.Second

// learnServers keeps the client informed of the ensemble's servers, until the store is
// closed: an ensemble that was changed server by server may have none left of those that the
// user gave. It is woken by each connection and by the configuration's watch. Who may not
// read the configuration learns nothing. The configuration has no ports of TLS: there the
// servers are taken to have the one that all of the given ones have.
func (s *Store) learnServers() {
	for known := []string(nil); ; {
		select {
		case <-s.configured:
		case <-s.ctx.Done():
			return
		}
		servers, err := s.readMembers()
		if err != nil {
			continue
		}
		if !isLoopback(s.client.Server()) {
			servers = slices.DeleteFunc(servers, isLoopback)
		}
		if s.securePort != "" {
			for i, server := range servers {
				host, _, _ := net.SplitHostPort(server)
				servers[i] = net.JoinHostPort(host, s.securePort)
			}
		}
		if !slices.Equal(servers, known) {
			known = servers
			s.client.Learn(servers)
			s.logger.Info("zkstore: the ensemble's servers, as its configuration names them", "servers", strings.Join(servers, ","))
		}
	}
}

// readMembers returns whom the configuration names. Only where it names somebody there is a
// watch: where it does not, it does not change either.
func (s *Store) readMembers() ([]string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, configBound)
	defer cancel()
	for watch := false; ; watch = true {
		reply, err := s.call(ctx, zk.Get{Path: configPath, Watch: watch})
		servers := members(string(reply.Data))
		if err != nil || watch || len(servers) == 0 {
			return servers, err
		}
	}
}

// wakeLearner never blocks.
func (s *Store) wakeLearner() {
	select {
	case s.configured <- struct{}{}:
	default:
	}
}

// members returns host:port of the servers that a configuration tells clients of, each once
// and in order. A line is server.N=HOST:PORT:PORT:ROLE;CLIENT, where HOST:PORT:PORT may come
// several times, separated by |, and CLIENT is HOST:PORT or PORT. A server that listens on all
// its addresses is taken to be reached at the first HOST. Lines of any other form name nobody.
func members(config string) (servers []string) {
	for line := range strings.Lines(config) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		peer, client, found := strings.Cut(value, ";")
		if !strings.HasPrefix(key, "server.") || !found {
			continue
		}
		host, port := splitClient(client)
		if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
			host = peerHost(peer)
		}
		parsed, chroot, err := zk.ParseServers(net.JoinHostPort(host, port), zk.DefaultPort)
		if err == nil && chroot == "" && len(parsed) == 1 && !slices.Contains(servers, parsed[0]) {
			servers = append(servers, parsed[0])
		}
	}
	return servers
}

// splitClient takes HOST:PORT, [HOST]:PORT or PORT apart.
func splitClient(client string) (host, port string) {
	colon := strings.LastIndexByte(client, ':')
	return strings.Trim(client[:max(colon, 0)], "[]"), client[colon+1:]
}

// peerHost returns the host of HOST:PORT:PORT or [HOST]:PORT:PORT.
func peerHost(peer string) string {
	if inner, ok := strings.CutPrefix(peer, "["); ok {
		host, _, _ := strings.Cut(inner, "]")
		return host
	}
	host, _, _ := strings.Cut(peer, ":")
	return host
}

// isLoopback reports whether host:port is on the machine that says it. One that a server on
// another machine names would be somebody else here.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}
