package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNamesThatNoProxyPacks: one such file, and nobody can get the module.
func TestNamesThatNoProxyPacks(t *testing.T) {
	for name, files := range map[string][]string{
		"":                 {"a.go", "testdata/null"},
		"nul":              {"a.go", "testdata/nul"},
		"aux.txt":          {"a.go", "testdata/aux.txt"},
		"case-insensitive": {"README", "readme"},
	} {
		tree := t.TempDir()
		write(t, filepath.Join(tree, "sub", "go.mod"), "module example.com/sub\n")
		for _, file := range files {
			write(t, filepath.Join(tree, "sub", file), "x")
		}
		err := pack(tree, t.TempDir(), "v0.0.1")
		if name == "" && err != nil || name != "" && (err == nil || !strings.Contains(err.Error(), name)) {
			t.Errorf("%q: %v", files, err)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
