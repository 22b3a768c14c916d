package zk

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseServers(t *testing.T) {
	for list, want := range map[string]struct {
		hosts  Hosts
		chroot string
	}{
		"h1":                         {Hosts{"h1:2181"}, ""},
		"h1,h2:2182,h3":              {Hosts{"h1:2181", "h2:2182", "h3:2181"}, ""},
		" h1 ,\th2:1 ,\n h3/a ":      {Hosts{"h1:2181", "h2:1", "h3:2181"}, "/a"},
		"h1,h2/chroot/sub":           {Hosts{"h1:2181", "h2:2181"}, "/chroot/sub"},
		"h1/":                        {Hosts{"h1:2181"}, ""},
		"h1/a b":                     {Hosts{"h1:2181"}, "/a b"},
		"zk-0.zk_hs.ns.svc.:2181":    {Hosts{"zk-0.zk_hs.ns.svc.:2181"}, ""},
		"10.0.0.1,10.0.0.2:65535":    {Hosts{"10.0.0.1:2181", "10.0.0.2:65535"}, ""},
		"[::1]:2182,[::1],::1":       {Hosts{"[::1]:2182", "[::1]:2181", "[::1]:2181"}, ""},
		"fe80::ab:cd,[fe80::1%eth0]": {Hosts{"[fe80::ab:cd]:2181", "[fe80::1%eth0]:2181"}, ""},
		"[::ffff:10.0.0.1]:1/c":      {Hosts{"[::ffff:10.0.0.1]:1"}, "/c"},
		"h1,h1":                      {Hosts{"h1:2181", "h1:2181"}, ""},
	} {
		hosts, chroot, err := ParseServers(list, DefaultPort)
		if err != nil || !slices.Equal(hosts, want.hosts) || chroot != want.chroot {
			t.Errorf("%q: %q, %q, %v", list, hosts, chroot, err)
		}
	}
}

func TestParseServersRefuses(t *testing.T) {
	for list, why := range map[string]string{
		"":                              "the host is missing",
		"h1,,h2":                        "the host is missing",
		"h1,h2,":                        "the host is missing",
		"/chroot":                       "the host is missing",
		":2181":                         "the host is missing",
		"h1/a,h2/b":                     "comes once",
		"h1/a,h2":                       "comes once",
		"h1//a":                         "not a path",
		"h1/a/":                         "not a path",
		"h1/../a":                       "not a path",
		"h1/a\x00b":                     "not a path",
		"h1:":                           "1 to 65535",
		"h1:0":                          "1 to 65535",
		"h1:65536":                      "1 to 65535",
		"h1:+1":                         "1 to 65535",
		"h1:port":                       "1 to 65535",
		"h1:2181:2182":                  "more than one colon",
		"h 1":                           "neither a name",
		"h1;h2":                         "neither a name",
		"session=597h":                  "neither a name",
		"h1?session=4s":                 "neither a name",
		"a..b":                          "neither a name",
		"-h":                            "neither a name",
		"2181":                          "neither a name",
		"300.1.1.1":                     "neither a name",
		"häuser.example":                "neither a name",
		"::1:2181":                      "[::1:2181] or [::1]:2181",
		"2001:db8:0:0:0:0:1:1:9":        "[2001:db8:0:0:0:0:1:1]:9",
		"[::1":                          "no IPv6 address in brackets",
		"[h1]:2181":                     "no IPv6 address in brackets",
		"[10.0.0.1]:2181":               "no IPv6 address in brackets",
		"[::1]2181":                     "something else than a port",
		"zk://h1:2181":                  "not a path",
		strings.Repeat("a.", 150) + "b": "neither a name",
	} {
		hosts, chroot, err := ParseServers(list, DefaultPort)
		if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %q, %q, %v; want an error that says %q", list, hosts, chroot, err, why)
		}
	}
}

func TestAddressErrorsHideCredentials(t *testing.T) {
	for _, list := range []string{"user:hidden@h1", "h1,user:hidden@h2:2181", "user:hid@den@h1"} {
		_, _, err := ParseServers(list, DefaultPort)
		_, _, srvErr := ParseSRV(list)
		if err == nil || srvErr == nil || strings.Contains(err.Error()+srvErr.Error(), "hid") {
			t.Errorf("%v; %v", err, srvErr)
		}
	}
}

func FuzzParseServers(f *testing.F) {
	for _, seed := range []string{"h1:2181, h2/chroot", "[::1]:2181", "::1", "::1:2181", "h1/a,h2/b", "session=597h", "user:x@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		hosts, chroot, err := ParseServers(list, DefaultPort)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatalf("%q: %v", list, err)
			}
			return
		}
		again, chroot2, err := ParseServers(strings.Join(hosts, ",")+chroot, DefaultPort)
		if err != nil || !slices.Equal(hosts, again) || strings.TrimSpace(chroot) != chroot2 {
			t.Fatalf("%q became %q %q, and that %q %q, %v", list, hosts, chroot, again, chroot2, err)
		}
	})
}
