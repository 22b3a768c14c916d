package zk

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Resolver looks names up. A *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

// addresses returns what Dial is called with for a server.
func (cfg *Config) addresses(ctx context.Context, hostport string) ([]string, error) {
	if cfg.Resolver == nil {
		return []string{hostport}, nil
	}
	return resolve(ctx, cfg.Resolver, hostport)
}

// resolve returns ip:port of all addresses of host:port.
func resolve(ctx context.Context, r Resolver, hostport string) ([]string, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{hostport}, nil
	}
	found, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("lookup %s: it has no address", host)
	}
	addrs := make([]string, len(found))
	for i, addr := range found {
		addrs[i] = net.JoinHostPort(addr.Unmap().String(), port)
	}
	return addrs, nil
}

// SRV finds servers by the SRV records of _zookeeper._tcp.NAME. All of them are used alike, whatever their priority
// and weight. With TLS a server is verified by the name that its record has; DNS is trusted for that name unless
// [TLSFiles] pins another.
type SRV struct {
	// Name is the domain. One that begins with an underscore is looked up as it is, such as
	// _client._tcp.zk-headless.default.svc.cluster.local for the port "client" of a Kubernetes service.
	Name string
	// Resolver is net.DefaultResolver if it is nil.
	Resolver Resolver
}

// ParseSRV checks a name with an optional chroot, "example.com/chroot", for [SRV]. The error matches ErrAddress.
func ParseSRV(text string) (srv SRV, chroot string, err error) {
	name, chroot, found := strings.Cut(strings.TrimSpace(text), "/")
	if found {
		if chroot, err = parseChroot(chroot); err != nil {
			return SRV{}, "", err
		}
	}
	if err := refuseCredentials(name); err != nil {
		return SRV{}, "", err
	}
	if _, err := netip.ParseAddr(name); err == nil || strings.ContainsAny(name, ":,") {
		return SRV{}, "", fmt.Errorf("%q: it must be one name without a port, whose SRV records name the servers: %w", name, ErrAddress)
	}
	if err := checkHost(name); err != nil {
		return SRV{}, "", fmt.Errorf("%q: %w: %w", name, err, ErrAddress)
	}
	return SRV{Name: name}, chroot, nil
}

// Endpoints looks the records up; it implements [Servers].
func (s SRV) Endpoints(ctx context.Context) ([]string, error) {
	service, proto := "zookeeper", "tcp"
	if strings.HasPrefix(s.Name, "_") {
		service, proto = "", ""
	}
	resolver := s.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	// The resolver leaves records with invalid names out, and returns an error beside the others.
	_, records, err := resolver.LookupSRV(ctx, service, proto, s.Name)
	var endpoints []string
	for _, record := range records {
		if target := strings.TrimSuffix(record.Target, "."); target != "" && record.Port != 0 {
			endpoints = append(endpoints, net.JoinHostPort(target, strconv.Itoa(int(record.Port))))
		}
	}
	switch {
	case len(endpoints) > 0:
		return endpoints, nil
	case err != nil:
		return nil, fmt.Errorf("SRV records of %s: %w", s.Name, err)
	default:
		return nil, fmt.Errorf("SRV records of %s: they name no server", s.Name)
	}
}
