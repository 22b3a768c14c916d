package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

// TestDeleteOfAGiant: another tool made a document larger than the client reads. It can
// be deleted, and the commands beside it work.
func TestDeleteOfAGiant(t *testing.T) {
	server := zkserver.StandaloneConfig(t, zkserver.Config{JVMFlags: []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-Djute.maxbuffer=8000000"}})
	zkstate := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"--store", "zk://" + server.Addr(), "--timeout", "30s"}, args...), nil, &out, &out)
		if code != 0 {
			out.WriteString(" (failed)")
		}
		return strings.TrimSpace(out.String())
	}
	if out := zkstate("create", "/giant", "1"); strings.Contains(out, "failed") {
		t.Fatal(out)
	}
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{server.Addr()}, MaxRequest: 8_000_000})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session, err := client.Session(t.Context())
	if err == nil {
		_, err = session.Call(t.Context(), zk.Set{Path: "/giant/payload", Data: make([]byte, 5_000_000), Version: zk.AnyVersion})
	}
	if err != nil {
		t.Fatal(err)
	}
	if out := zkstate("get", "/giant"); !strings.Contains(out, "too large") {
		t.Errorf("get: %s", out)
	}
	if out := zkstate("delete", "/giant"); out != "deleted /giant" {
		t.Errorf("delete: %s", out)
	}
	if out := zkstate("get", "/giant"); !strings.Contains(out, "not found") {
		t.Errorf("get after that: %s", out)
	}
}
