//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestInterruptsBelongToTheEditor: Ctrl-C and Ctrl-\ in the editor reach the editor, and
// what it saves then is committed.
func TestInterruptsBelongToTheEditor(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{"INT": "\x03", "QUIT": "\x1c"} {
		dir := t.TempDir()
		editor := filepath.Join(dir, "editor.sh")
		script := "trap 'sed s/1/2/ \"$1\" >\"$1.new\"; mv \"$1.new\" \"$1\"; exit 0' " + name + "\necho ready\nwhile :; do sleep 0.01; done\n"
		if err := os.WriteFile(editor, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		env := append(os.Environ(), "EDITOR=sh "+editor, "VISUAL=", "TMPDIR="+dir, storeVariable+"=sqlite:"+filepath.Join(dir, "state.db"))
		zkstate := func(args ...string) *exec.Cmd {
			return &exec.Cmd{Path: self, Args: append([]string{"zkstate"}, args...), Env: env}
		}
		if out, err := zkstate("create", "/doc", `{"a":1}`).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		cmd := zkstate("edit", "/doc")
		terminal, err := pty.Start(cmd)
		if err != nil {
			t.Fatal("no terminal can be made here:", err)
		}
		var out bytes.Buffer
		buffer := make([]byte, 4096)
		for pressed := false; ; {
			n, err := terminal.Read(buffer)
			if err != nil { // the program and its editor have ended
				break
			}
			if out.Write(buffer[:n]); !pressed && strings.Contains(out.String(), "ready") {
				pressed = true
				if _, err := terminal.WriteString(key); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out.String())
		}
		_ = terminal.Close()
		if doc, err := zkstate("get", "/doc", "/a").Output(); err != nil || string(doc) != "2\n" {
			t.Errorf("%s: /a is %q, %v: %s", name, doc, err, out.String())
		}
	}
}
