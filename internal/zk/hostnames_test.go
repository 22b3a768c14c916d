package zk_test

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// zone is a Resolver that knows some names.
type zone struct {
	addrs map[string][]string
	srv   *atomic.Pointer[net.SRV] // of every name
}

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var found []netip.Addr
	for _, addr := range z.addrs[host] {
		found = append(found, netip.MustParseAddr(addr))
	}
	if found == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, nil
}

func (z zone) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", []*net.SRV{z.srv.Load()}, nil
}

func port(t *testing.T, addr string) uint16 {
	t.Helper()
	_, digits, _ := strings.Cut(addr, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(n)
}

// TestEveryAddressOfAName: behind one of them a server hangs, which accepts connections all the same.
func TestEveryAddressOfAName(t *testing.T) {
	server := zkserver.Standalone(t)
	hung, err := net.Listen("tcp", net.JoinHostPort("127.0.0.2", strconv.Itoa(int(port(t, server.Addr())))))
	if err != nil && runtime.GOOS != "linux" {
		t.Skip(err) // not on every system is all of 127 loopback
	} else if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	dns := zone{addrs: map[string][]string{"zk": {"127.0.0.2", "127.0.0.1"}}}
	for range 5 {
		client, s := connect(t, zk.Config{
			Servers: zk.Hosts{"zk:" + strconv.Itoa(int(port(t, server.Addr())))}, Resolver: dns, SessionTimeout: 6 * time.Second,
		})
		must(t, s, zk.Get{Path: "/"})
		client.Close()
	}
}

// TestNamesAreResolvedEachTime: a server that comes back at another address is found.
func TestNamesAreResolvedEachTime(t *testing.T) {
	server, p := proxied(t)
	dns := zone{addrs: map[string][]string{"zk1.example": {"127.0.0.1"}}, srv: new(atomic.Pointer[net.SRV])}
	dns.srv.Store(&net.SRV{Target: "zk1.example.", Port: port(t, p.Addr())})
	told := newEvents(t)
	_, s := connect(t, zk.Config{Servers: zk.SRV{Name: "example", Resolver: dns}, Resolver: dns, OnEvent: told.add})
	told.next(zk.Connected)
	dns.srv.Store(&net.SRV{Target: "zk1.example.", Port: port(t, server.Addr())})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	told.next(zk.Disconnected)
	if reply := must(t, s, zk.Get{Path: "/"}); reply.Conn != 2 {
		t.Errorf("connection %d", reply.Conn)
	}
}
