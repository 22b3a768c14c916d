package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// identity is what a tool says of itself, as far as it depends on how it was built.
type identity struct{ Version, Commit string }

// checkVersion runs a tool that was built as how says.
func checkVersion(ctx context.Context, tool, how string, want identity) error {
	text, err := output(ctx, ".", nil, tool, "version", "-o", "json")
	if err != nil {
		return err
	}
	var said identity
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	if said != want {
		return fmt.Errorf("the tool %s says %+v, and should say %+v", how, said, want)
	}
	return nil
}

// versions builds in a fresh clone, which has the commits only, with and without what
// the version control system says.
func (c *checker) versions(ctx context.Context) error {
	dir := filepath.Join(c.work, "clone")
	if _, err := output(ctx, c.work, nil, "git", "clone", "--quiet", c.root, dir); err != nil {
		return err
	}
	commit, err := output(ctx, dir, nil, "git", "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	tool := filepath.Join(c.work, "cloned")
	if _, err := output(ctx, dir, nil, "go", "build", "-buildvcs=true", "-o", tool, "./cmd/zkstate"); err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(tool)
	if err != nil {
		return err
	}
	if err := checkVersion(ctx, tool, "built in a clone", identity{info.Main.Version, commit}); err != nil {
		return err
	}
	if _, err := output(ctx, dir, nil, "go", "build", "-buildvcs=false", "-o", tool, "./cmd/zkstate"); err != nil {
		return err
	}
	return checkVersion(ctx, tool, "built without a version control system", identity{"devel", "unknown"})
}
