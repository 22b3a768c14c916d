package zkserver

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteCLI(t *testing.T) {
	t.Parallel()
	server := Standalone(t)
	file := filepath.Join(t.TempDir(), "zkCli.sh")
	if err := WriteCLI(file); err != nil {
		t.Fatal(err)
	}
	cli := exec.Command(file, "-server", server.Addr())
	cli.Stdin = strings.NewReader("create /a one\nset /a two\nget /a\n")
	if out, err := cli.CombinedOutput(); err != nil || !strings.Contains(string(out), "\ntwo\n") {
		t.Errorf("%v: %s", err, out)
	}
}
