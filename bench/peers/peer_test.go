package peers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	p := Peer{Name: "shell", command: []string{"sh", "-c", `
		[ "$*" = "mode host:1 4 1.5 /a/payload 2" ] || { echo "called with $*" >&2; exit 1; }
		echo '{"acks":3,"counter":3,"seconds":1.5}'`, "program"}, warmUp: 2 * time.Second}
	r, err := p.Count(t.Context(), "mode", "host:1", 4, 1500*time.Millisecond, "/a/payload")
	if err != nil || r.Rate() != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := p.Count(t.Context(), "mode", "host:1", 5, time.Second, "/b"); err == nil || !strings.Contains(err.Error(), "called with") {
		t.Errorf("a program that fails: %v", err)
	}
}

func TestCountVerifies(t *testing.T) {
	p := Peer{Name: "shell", command: []string{"sh", "-c", `echo '{"acks":3,"counter":2,"seconds":1}'`}}
	if _, err := p.Count(t.Context(), "", "", 1, time.Second, ""); err == nil || !strings.Contains(err.Error(), "counter is 2") {
		t.Errorf("%v", err)
	}
}

func TestCuratorIsMissing(t *testing.T) {
	t.Setenv("PATH", "")
	if _, err := Curator(t.Context(), t.TempDir()); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("%v", err)
	}
}

// TestProgramsCompile: those of the peers that are here.
func TestProgramsCompile(t *testing.T) {
	for _, find := range []func(context.Context, string) (*Peer, error){Curator, Kazoo} {
		p, err := find(t.Context(), t.TempDir())
		if errors.Is(err, ErrNotInstalled) {
			t.Log(err)
			continue
		}
		if err != nil || len(p.command) == 0 {
			t.Errorf("%+v, %v", p, err)
		}
	}
}
