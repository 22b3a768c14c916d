package zkstore

import (
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
)

func TestRightsByACL(t *testing.T) {
	own, other := digestID("app:secret"), digestID("app:wrong")
	app := rights{known: true, digests: []string{own}, identities: []zk.Identity{{Scheme: "ip", User: "10.1.2.3"}, {Scheme: "digest", User: "app"}, {Scheme: "x509", User: "CN=app"}}}
	for name, c := range map[string]struct {
		of     rights
		scheme string
		id     string
		want   bool
	}{
		"everybody":               {app, "world", "anyone", true},
		"the digest":              {app, "digest", own, true},
		"another password":        {app, "digest", other, false},
		"another user":            {app, "digest", digestID("ops:secret"), false},
		"a hash that is hidden":   {app, "digest", "app:x", true},
		"another kind of hash":    {app, "digest", "app:" + own + own, true},
		"credentials by others":   {rights{known: true, identities: app.identities}, "digest", other, true},
		"the certificate":         {app, "x509", "CN=app", true},
		"another certificate":     {app, "x509", "CN=ops", false},
		"the name elsewhere":      {app, "sasl", "app", false},
		"the address":             {app, "ip", "10.1.2.3", true},
		"its network":             {app, "ip", "10.1.0.0/16", true},
		"another network":         {app, "ip", "10.2.0.0/16", false},
		"no address":              {app, "ip", "here", false},
		"the superuser, always":   {rights{known: true, identities: []zk.Identity{{Scheme: "super"}}}, "x509", "CN=app", true},
		"nobody that is known of": {rights{}, "digest", own, false},
	} {
		if got := c.of.of([]zk.ACL{{Perms: zk.PermWrite, Scheme: c.scheme, ID: c.id}})&zk.PermWrite != 0; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestACLText(t *testing.T) {
	acl := append([]zk.ACL{{Perms: zk.PermRead | zk.PermAdmin, Scheme: "digest", ID: digestID("app:secret")}}, zk.WorldACL(zk.PermAll)...)
	if got := aclText(acl); got != "digest:app:x:ra,world:anyone:cdrwa" {
		t.Error(got)
	}
}

// TestAboutServer: what is not told is empty.
func TestAboutServer(t *testing.T) {
	for answer, want := range map[string]aboutServer{
		"": {}, "srvr is not executed because it is not in the whitelist.\n": {}, "Zookeeper version\nMode\n": {},
		"Zookeeper version: 3.9.4-7246445ec281f3dbf53dc54e970c914f39713903, built on 2025-08-19\nMode: leader\n": {"3.9.4", "leader"},
	} {
		if about := readAbout(answer); about != want {
			t.Errorf("%q: %+v", answer, about)
		}
	}
}

func TestEnsembleText(t *testing.T) {
	for config, want := range map[string]string{
		"": "one server that stands alone",
		"server.1=a:1:2:participant;0.0.0.0:2181\nserver.2=b:1:2:observer\nversion=100\n": "2 servers: 1=a:1:2:participant;0.0.0.0:2181, 2=b:1:2:observer",
	} {
		if got := ensembleText(config, nil); got != want {
			t.Errorf("%q: %s", config, got)
		}
	}
}

func TestQuotaNumbers(t *testing.T) {
	for text, hard := range map[string]int64{"count=5,bytes=-1": 0, "count=5,bytes=-1;byteHardLimit=-1;countHardLimit=7": 7, "count=5=": 0} {
		if got := numbers([]byte(text))["countHardLimit"]; got != hard {
			t.Errorf("%q: %d", text, got)
		}
	}
}
