//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// onTerminal are the commands to run on a terminal for each name, with the documents
// that hostileStore makes. A command that is not here fails the test.
var onTerminal = map[string][][]string{
	"create":    {{"/good", "1"}, {"/new", "@" + evil}, {"/new", "{\"" + evil + "\":}"}},
	"get":       {{"/good"}, {"/good", "-o", "raw"}, {"/good", "-o", "yaml"}, {"/good", "/a"}, {"/good", "/a", "-o", "raw"}, {"/good", "/" + evil}, {"/broken"}, {"/broken", "-o", "raw"}, {"/good", "--at", "0"}, {"/" + evil}},
	"set":       {{"/broken", "/a", "1"}, {"/good", "/" + evil + "/b", "1"}, {"/good", "/a", "1", "--wait", "all", "--timeout", "500ms"}, {"/good", "/a", "{\"" + evil + "\":}"}},
	"unset":     {{"/broken", "/a"}, {"/good", "/" + evil}},
	"patch":     {{"/broken", "@patch"}, {"/good", "@patch"}, {"/good", "@" + evil}},
	"edit":      {{"/good"}, {"/broken"}},
	"diff":      {{"/good", "/other"}, {"/good", "/other", "-o", "json"}, {"/good", "/other", "-o", "patch"}, {"/good", "/broken"}, {"/good@0", "/good"}},
	"watch":     {{"--replay", "/good"}, {"--replay", "-o", "json", "/good"}, {"--replay", "/broken", "--timeout", "500ms"}, {"/good", "--", evil}},
	"wait":      {{"/good", "/a"}, {"/good", "/a", "-o", "raw"}, {"/good", "/a", "-o", "yaml"}, {"/good", "/" + evil, "--timeout", "300ms"}, {"/good", "/a=" + evil}},
	"mirror":    {{"/broken", "f.json", "--once"}, {"/good", evil, "--once"}, {"/good", "none/" + evil + ".json", "--once"}, {"/good", "f.json", "--once", "--", evil}},
	"ls":        {{}, {"-R"}, {"-R", "-o", "json"}, {"/other\u202e"}, {"/" + evil}},
	"stat":      {{"/other\u202e"}, {"/other\u202e", "-o", "json"}, {"/" + evil}},
	"ping":      {{}, {"-o", "json"}},
	"doctor":    {{"/good", "--timeout", "500ms"}, {"/broken", "--timeout", "500ms"}, {"/other\u202e", "-o", "json", "--timeout", "500ms"}, {"/" + evil}},
	"history":   {{"/good"}, {"/good", "--diff"}, {"/good", "-o", "json"}, {"/broken"}},
	"rollback":  {{"/good", "9"}, {"/broken", "0"}, {"/good", evil}},
	"listeners": {{"/good"}, {"/good", "-o", "json"}, {"/broken"}, {"/good", "--forget", evil}},
	"lock":      {{"/good", "--", "true"}, {"/good", "--", evil}, {"/good", "--id", evil, "true"}, {"/good", "--show"}, {"/good", "--break", evil}},
	"serve":     {{"--listen", evil}, {"--token-file", evil}, {"--tls-cert", evil, "--tls-key", evil}},
	"delete":    {{"/other\u202e"}, {"/broken", "--if-version", "9"}},
}

// withoutForeigners are the commands that print nothing that others wrote.
var withoutForeigners = map[string]bool{"security": true, "version": true, "demo": true, "demo-agent": true, "demo-break": true, "help": true, "completion": true, "man": true}

// terminalOutput runs the program on a new terminal that adds nothing of its own, and
// returns what arrives there. A command that would go on for ever is interrupted when
// something has arrived.
func terminalOutput(t *testing.T, args []string) string {
	t.Helper()
	master, terminal, err := pty.Open()
	if err != nil {
		t.Fatal("no terminal can be made here:", err)
	}
	defer master.Close()
	defer terminal.Close()
	makeRaw(t, terminal)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	const end = "end of the output"
	var out bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() {
		buffer := make([]byte, 4096)
		for !bytes.HasSuffix(out.Bytes(), []byte(end)) {
			n, err := master.Read(buffer)
			if err != nil {
				return
			}
			if out.Write(buffer[:n]); args[0] == "watch" && bytes.Contains(out.Bytes(), []byte("owned")) {
				cancel()
			}
		}
	})
	run(ctx, args, strings.NewReader(""), terminal, terminal)
	if _, err := terminal.WriteString(end); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	return strings.TrimSuffix(out.String(), end)
}

// makeRaw keeps a terminal from making \r\n of \n.
func makeRaw(t *testing.T, terminal *os.File) {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(terminal.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	mode.Oflag &^= unix.OPOST
	mode.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(terminal.Fd()), setTermios, mode); err != nil {
		t.Fatal(err)
	}
}

// steers returns what of an output could steer a terminal.
func steers(out string) string {
	if !utf8.ValidString(out) {
		return "bytes that are not UTF-8"
	}
	for i, r := range out {
		if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			return fmt.Sprintf("%q at %d", r, i)
		}
	}
	return ""
}

// TestNothingSteersTheTerminal runs every command there is.
func TestNothingSteersTheTerminal(t *testing.T) {
	hostileStore(t)
	for _, cmd := range (&cli{}).newRoot().Commands() {
		rows := onTerminal[cmd.Name()]
		if len(rows) == 0 && !withoutForeigners[cmd.Name()] {
			t.Errorf("%s is not tried: it needs a row in onTerminal", cmd.Name())
		}
		for _, row := range rows {
			args := append([]string{cmd.Name()}, row...)
			out := terminalOutput(t, args)
			if what := steers(out); what != "" {
				t.Errorf("%q prints %s: %q", args, what, out)
			}
			if out == "" && cmd.Name() != "lock" {
				t.Errorf("%q prints nothing", args)
			}
		}
	}
}

// TestTablesKeepTheirLines: no cell breaks one, on a terminal or not.
func TestTablesKeepTheirLines(t *testing.T) {
	hostileStore(t)
	for command, lines := range map[string]int{"listeners": 4, "history": 5} {
		var piped, stderr bytes.Buffer
		if code := run(t.Context(), []string{command, "/good"}, nil, &piped, &stderr); code != 0 {
			t.Fatalf("%d, %s", code, stderr.String())
		}
		for _, out := range []string{piped.String(), terminalOutput(t, []string{command, "/good"})} {
			if strings.Count(out, "\n") != lines || steers(out) != "" {
				t.Errorf("%s: %q", command, out)
			}
		}
	}
}

// TestJSONOnATerminalIsJSON: what is escaped means the same.
func TestJSONOnATerminalIsJSON(t *testing.T) {
	hostileStore(t)
	for _, args := range [][]string{{"get", "/good"}, {"listeners", "/good", "-o", "json"}, {"diff", "/good", "/other", "-o", "patch"}, {"history", "/good", "-o", "json"}} {
		var piped, stderr bytes.Buffer
		run(t.Context(), args, nil, &piped, &stderr)
		shown := terminalOutput(t, args)
		if steers(shown) != "" || !sameJSON(t, piped.String(), shown) {
			t.Errorf("%q: %q is shown as %q", args, piped.String(), shown)
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	values := func(text string) (all []any) {
		for in := json.NewDecoder(strings.NewReader(text)); in.More(); {
			var v any
			if err := in.Decode(&v); err != nil {
				t.Errorf("%v: %q", err, text)
				return nil
			}
			all = append(all, v)
		}
		return all
	}
	return mustJSON(t, values(a)) == mustJSON(t, values(b))
}

// TestColoursAreAllThatSteers: with colours on, they are the only escape sequences.
func TestColoursAreAllThatSteers(t *testing.T) {
	hostileStore(t)
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	ours := regexp.MustCompile(`\x1b\[3[123]m([^\n]*)\x1b\[0m\n`)
	for _, args := range [][]string{{"diff", "/good", "/other"}, {"watch", "--replay", "/good"}} {
		out := terminalOutput(t, args)
		if !ours.MatchString(out) || steers(ours.ReplaceAllString(out, "$1")) != "" {
			t.Errorf("%q: %q", args, out)
		}
	}
}
