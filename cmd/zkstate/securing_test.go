package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/zkserver"
)

var fenced = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// TestSecuringPage runs what docs/SECURING.md says, in its order and word for word but for
// the servers' name and directory: a server with its settings, and its commands.
func TestSecuringPage(t *testing.T) {
	zkserver.Require(t)
	needs(t, "bash", "openssl")
	page, err := os.ReadFile("../../docs/SECURING.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	here := strings.NewReplacer("DNS:zk1.example", "IP:127.0.0.1", "/etc/zookeeper", dir)
	var certificates string
	var commands []string
	properties := make(map[string]string)
	for _, block := range fenced.FindAllStringSubmatch(string(page), -1) {
		switch text := here.Replace(block[2]); {
		case block[1] == "properties":
			for line := range strings.Lines(text) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				properties[name] = value
			}
		case block[1] == "jaas":
			if !strings.Contains(text, `user_ops="a long password";`) {
				t.Errorf("the page has other users:\n%s", text)
			}
		case certificates == "":
			certificates = text
		default:
			commands = append(commands, text)
		}
	}
	runPage(t, dir, certificates)
	delete(properties, "secureClientPort")
	server := zkserver.StandaloneConfig(t, zkserver.Config{
		Properties: properties,
		TLS:        &zkserver.TLS{KeyStore: filepath.Join(dir, "zk1-both.pem"), TrustStore: filepath.Join(dir, "ca.pem")},
		SASL:       &zkserver.SASL{Users: map[string]string{"ops": "a long password"}},
	})
	out := runPage(t, dir, strings.ReplaceAll(strings.Join(commands, "\n"), "zk1.example:2281", server.SecureAddr()))
	for _, want := range []string{
		server.SecureAddr() + " answered in", `"rsync*"`, `"limit": 10`,
		"refused, with exit code 1\n", "authentication required", "permission denied",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the commands do not print %q", want)
		}
	}
	if n := strings.Count(out, "refused, with exit code 1\n"); n != 2 {
		t.Errorf("%d commands are refused, want 2", n)
	}
	if t.Failed() {
		t.Log(out)
	}
}

func runPage(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "ZKSTATE_AUTH=", "ZKSTATE_AUTH_FILE=", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return string(out)
}
