package zkstore

import (
	"slices"
	"strings"
	"testing"
)

func TestMembers(t *testing.T) {
	for config, want := range map[string][]string{
		"": nil,
		"server.1=h1:2888:3888:participant;0.0.0.0:2181\nserver.2=h2:2888:3888:observer;2182\nversion=100000000": {"h1:2181", "h2:2182"},
		"server.1=10.0.0.1:2888:3888:participant;client.example:2181\n":                                          {"client.example:2181"},
		"server.1=h1:2888:3888|h1b:2889:3889:participant;[::]:2181":                                              {"h1:2181"},
		"server.1=[fd00::1]:2888:3888:participant;[fd00::2]:2181":                                                {"[fd00::2]:2181"},
		"server.1=[fd00::1]:2888:3888:participant;2181\r\n":                                                      {"[fd00::1]:2181"},
		"server.1=h:1:2:participant;2181\nserver.2=h:3:4:participant;2181":                                       {"h:2181"},
		// where clients connect is not said, as in a configuration that is not dynamic
		"server.1=127.0.0.1:15902:21374:participant\nversion=0": nil,
		// what is no configuration
		"garbage; server.1=;;;=\nserver.2\nserver.3=;\nserver.4=h;x\nserver.5=h;0\nserver.6=h;70000\nserver.7=;2181\nserver.8=[;2181": nil,
		"server.1=user:secret@h:1:2;user:secret@h:2181": nil,
		"server.1=h:1:2;h/chroot:2181":                  nil,
		"server.1=h:1:2;a,b:2181":                       nil,
	} {
		if got := members(config); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", config, got, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for hostport, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "localhost:1": true, "LocalHost.:1": true,
		"10.0.0.1:1": false, "h:1": false, "localhost.example:1": false, "": false, "127.0.0.1": false,
	} {
		if isLoopback(hostport) != want {
			t.Errorf("%s: want %v", hostport, want)
		}
	}
}

// FuzzMembers: whatever stands in the configuration, what is learned of it are servers.
func FuzzMembers(f *testing.F) {
	f.Add("server.1=h1:2888:3888|h2:1:2:participant;0.0.0.0:2181\nserver.2=[::1]:1:2:observer;[::2]:3")
	f.Fuzz(func(t *testing.T, config string) {
		for _, server := range members(config) {
			if strings.ContainsAny(server, ",/@ \n") || !strings.Contains(server, ":") {
				t.Errorf("%q names %q", config, server)
			}
		}
	})
}
