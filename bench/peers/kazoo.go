package peers

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed kazoo/contention.py
var kazooSource []byte

// Kazoo puts the program for kazoo into dir, which must outlive the Peer. The
// error matches [ErrNotInstalled] if Debian's Python has no kazoo.
func Kazoo(ctx context.Context, dir string) (*Peer, error) {
	const python = "/usr/bin/python3"
	version, err := exec.CommandContext(ctx, python, "-c", "import kazoo; print(kazoo.__version__)").Output()
	if err != nil {
		return nil, fmt.Errorf("kazoo: %w: %w", ErrNotInstalled, err)
	}
	program := filepath.Join(dir, "contention.py")
	if err := os.WriteFile(program, kazooSource, 0o644); err != nil {
		return nil, fmt.Errorf("kazoo: %w", err)
	}
	return &Peer{
		Name:    "kazoo " + strings.TrimSpace(string(version)),
		command: []string{python, program},
	}, nil
}
