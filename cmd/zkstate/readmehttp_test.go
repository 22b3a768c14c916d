package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadmeHTTP runs the section's commands word for word, but for the port.
func TestReadmeHTTP(t *testing.T) {
	needs(t, "bash", "curl")
	tr := &tour{T: t, dir: t.TempDir()}
	tr.env = append(exec.Command("true").Environ(), "ZKSTATE_STORE=sqlite:"+filepath.Join(tr.dir, "state.db"), "GORACE=atexit_sleep_ms=0")
	tr.want("zkstate create /app/config '{\"processes\":[]}' --history 9", `^0\.`)
	lines := tourLines(t, "Over HTTP")
	serve, background := strings.CutSuffix(strings.TrimSpace(strings.Split(lines[0], "#")[0]), " &")
	if len(lines) != 4 || !background {
		t.Fatalf("the section is %q", lines)
	}
	server := tr.background(serve + " --listen 127.0.0.1:0")
	address := server.await(`http://([^,]+), with changes`)
	curl := func(line string) string { return strings.ReplaceAll(line, "localhost:8642", address) }
	tr.want(curl(lines[1]), `{"processes":\[\]}$`)
	tr.want(curl(lines[2]), `"version":"1\.`)
	tr.want("zkstate history /app/config", `zkstate serve on .* calmer`)
	stream := tr.background(curl(lines[3]))
	stream.await(`event: (document)\n`)
	tr.want("zkstate set /app/config /interval '\"7s\"'", `^2\.`)
	stream.await(`(?s)event: (changes)\n.*"new":"7s"`)
	server.end()
	stream.end()
}

// want runs a command, whose output has to match.
func (tr *tour) want(line, pattern string) {
	tr.Helper()
	cmd := tr.command(line)
	var complaint lockedBuffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil || !regexp.MustCompile(pattern).Match(out) {
		tr.Fatalf("%s\n%v: %s%s", line, err, out, complaint.String())
	}
}

// background starts a command that goes on.
func (tr *tour) background(line string) *following {
	tr.Helper()
	f := &following{tour: tr, line: line, cmd: tr.command("exec " + line), done: make(chan error, 1)}
	f.cmd.Stdout, f.cmd.Stderr = &f.out, &f.out
	if err := f.cmd.Start(); err != nil {
		tr.Fatal(line, err)
	}
	tr.Cleanup(func() { _ = f.cmd.Process.Kill() })
	go func() { f.done <- f.cmd.Wait() }()
	return f
}

// await waits until the output matches, and returns its first group.
func (f *following) await(pattern string) string {
	f.Helper()
	want := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found := want.FindStringSubmatch(f.out.String()); found != nil {
			return found[1]
		}
	}
	f.Fatalf("%s\nnever shows %s: %s", f.line, pattern, f.out.String())
	return ""
}
