package apitest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestSchemathesis: whatever a request is, the answer is one that the description has.
func TestSchemathesis(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(cache, "zkstate", "schemathesis-*", "complete")) // the pattern is good
	if len(found) == 0 {
		if os.Getenv("ZKSTATE_REQUIRE_ZOOKEEPER") == "1" {
			t.Fatal("schemathesis is not installed: run scripts/schemathesis")
		}
		t.Skip("schemathesis: not installed (run scripts/schemathesis)")
	}
	program := filepath.Join(filepath.Dir(found[len(found)-1]), "bin", "schemathesis")
	runTests(t, map[string]func(*env){"sqlite": func(e *env) { testSchemathesis(e, program) }}, openFile)
}

func testSchemathesis(e *env, program string) {
	a := e.serve()
	a.raw("POST", "/v1/documents/app/config?history=50", `{"processes":["systemd*"],"interval":"1s"}`, "Content-Type", jsonType)
	here := must[string](e)(os.Getwd())
	cmd := exec.CommandContext(e.ctx, program, "--config-file", filepath.Join(here, "schemathesis.toml"), "--no-color",
		"run", filepath.Join(here, "..", "openapi.yaml"), "--url", a.url,
		"--max-examples", "20", "--seed", "1", "--generation-database", "none", "--warnings", "off", "--request-timeout", "20")
	cmd.Dir = e.TempDir()
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		e.Errorf("%v\n%s", err, out)
	}
}
