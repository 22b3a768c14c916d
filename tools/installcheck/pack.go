package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// pack packs every module under tree, as version, into a directory that can be a
// GOPROXY.
func pack(tree, proxy, version string) error {
	return filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "go.mod" {
			return err
		}
		if err := packModule(filepath.Dir(path), proxy, version); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
}

func packModule(dir, proxy, version string) error {
	text, err := released(filepath.Join(dir, "go.mod"), version)
	if err != nil {
		return err
	}
	m := module.Version{Path: modfile.ModulePath(text), Version: version}
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	base := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Now().UTC()})
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"list": []byte(version + "\n"), version + ".info": info, version + ".mod": text} {
		if err := os.WriteFile(filepath.Join(base, name), content, 0o644); err != nil {
			return err
		}
	}
	return writeZip(filepath.Join(base, version+".zip"), m, dir)
}

// released makes of a go.mod what a release of version has, and returns it: a module that
// needs the main one needs that version of it, and replaces nothing.
func released(file, version string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(file, text, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range mod.Require {
		if r.Mod.Path == modulePath {
			err = errors.Join(mod.AddRequire(modulePath, version), mod.DropReplace(modulePath, ""))
		}
	}
	if err != nil {
		return nil, err
	}
	mod.Cleanup()
	if text, err = mod.Format(); err != nil {
		return nil, err
	}
	return text, os.WriteFile(file, text, 0o644)
}

// writeZip refuses names that some system forbids, and what is too large, as the
// module proxy does.
func writeZip(file string, m module.Version, dir string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := zip.CreateFromDir(out, m, dir); err != nil {
		return err
	}
	return out.Close()
}

// copySource copies what is or may be committed, so that what was built in the
// repository is not packed.
func (c *checker) copySource(ctx context.Context) (tree string, err error) {
	names, err := output(ctx, c.root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return "", err
	}
	tree = filepath.Join(c.work, "source")
	for name := range strings.SplitSeq(strings.Trim(names, "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(c.root, name))
		if os.IsNotExist(err) { // deleted, and not committed yet
			continue
		}
		if err != nil {
			return "", err
		}
		file := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return "", err
		}
	}
	return tree, nil
}
