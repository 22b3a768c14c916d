package zk

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// fakeDNS answers from its maps.
type fakeDNS struct {
	addrs   map[string][]netip.Addr
	records map[string][]*net.SRV
	err     error // beside the records, or instead of them
}

func (d fakeDNS) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if addrs, ok := d.addrs[host]; ok && network == "ip" {
		return addrs, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (d fakeDNS) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if service != "" || proto != "" {
		name = "_" + service + "._" + proto + "." + name
	}
	return name, d.records[name], d.err
}

func TestResolve(t *testing.T) {
	dns := fakeDNS{addrs: map[string][]netip.Addr{
		"zk":    {netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:10.0.0.2"), netip.MustParseAddr("2001:db8::1")},
		"empty": {},
	}}
	for hostport, want := range map[string][]string{
		"zk:2181":        {"10.0.0.1:2181", "10.0.0.2:2181", "[2001:db8::1]:2181"},
		"10.9.9.9:1":     {"10.9.9.9:1"},
		"[::1]:2181":     {"[::1]:2181"},
		"empty:2181":     nil,
		"absent:2181":    nil,
		"without a port": nil,
	} {
		got, err := resolve(t.Context(), dns, hostport)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: %q, %v", hostport, got, err)
		}
	}
}

func TestSRV(t *testing.T) {
	records := []*net.SRV{{Target: "zk1.example.com.", Port: 2181}, {Target: "zk2.example.com.", Port: 2281, Priority: 9}, {Target: "."}}
	broken := errors.New("the DNS is broken")
	for name, test := range map[string]struct {
		srv  SRV
		want []string
		err  string
	}{
		"service":  {SRV{"example.com", fakeDNS{records: map[string][]*net.SRV{"_zookeeper._tcp.example.com": records}}}, []string{"zk1.example.com:2181", "zk2.example.com:2281"}, ""},
		"own name": {SRV{"_client._tcp.zk.svc", fakeDNS{records: map[string][]*net.SRV{"_client._tcp.zk.svc": records}}}, []string{"zk1.example.com:2181", "zk2.example.com:2281"}, ""},
		"some are bad": {SRV{"example.com", fakeDNS{records: map[string][]*net.SRV{"_zookeeper._tcp.example.com": records}, err: broken}},
			[]string{"zk1.example.com:2181", "zk2.example.com:2281"}, ""},
		"none":     {SRV{"example.com", fakeDNS{}}, nil, "name no server"},
		"declined": {SRV{"example.com", fakeDNS{records: map[string][]*net.SRV{"_zookeeper._tcp.example.com": {{Target: "."}}}}}, nil, "name no server"},
		"broken":   {SRV{"example.com", fakeDNS{err: broken}}, nil, broken.Error()},
	} {
		got, err := test.srv.Endpoints(t.Context())
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v, want %q", name, err, test.err)
		}
	}
}

func TestParseSRV(t *testing.T) {
	srv, chroot, err := ParseSRV(" _client._tcp.example.com/a/b ")
	if err != nil || srv.Name != "_client._tcp.example.com" || chroot != "/a/b" {
		t.Errorf("%+v, %q, %v", srv, chroot, err)
	}
	for _, text := range []string{"", "/a", "h:2181", "h1,h2", "10.0.0.1", "::1", "h/a,b", "h/a/", "a b"} {
		if srv, chroot, err := ParseSRV(text); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %+v, %q, %v", text, srv, chroot, err)
		}
	}
}

var _ Servers = SRV{}
var _ Resolver = (*net.Resolver)(nil)
