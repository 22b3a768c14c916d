package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"
)

// releaseConfig is the part of .goreleaser.yaml that is checked here. What
// goreleaser itself has to say of it, make release-check tells.
type releaseConfig struct {
	Before struct{ Hooks []string }
	Builds []struct {
		Main                         string
		Env, Flags, Ldflags, Targets []string
	}
	Archives []struct{ Files []struct{ Src string } }
	Nfpms    []struct{ Contents []struct{ Src string } }
	Dockers  []struct{ Dockerfile string } `yaml:"dockers_v2"`
}

// release runs the hooks of .goreleaser.yaml, looks for the files that it names, and
// builds for every target.
func (c *checker) release(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(c.root, ".goreleaser.yaml"))
	if err != nil {
		return err
	}
	var config releaseConfig
	if err := yaml.Unmarshal(text, &config); err != nil {
		return err
	}
	for _, hook := range config.Before.Hooks {
		words := strings.Fields(hook)
		if _, err := output(ctx, c.root, nil, words[0], words[1:]...); err != nil {
			return err
		}
	}
	if err := c.lookFor(config); err != nil {
		return err
	}
	return c.buildTargets(ctx, config)
}

func (c *checker) lookFor(config releaseConfig) (err error) {
	var patterns []string
	for _, archive := range config.Archives {
		for _, file := range archive.Files {
			patterns = append(patterns, file.Src)
		}
	}
	for _, pkg := range config.Nfpms {
		for _, content := range pkg.Contents {
			patterns = append(patterns, content.Src)
		}
	}
	for _, image := range config.Dockers {
		patterns = append(patterns, image.Dockerfile)
	}
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(filepath.Join(c.root, pattern)); len(found) == 0 {
			err = errors.Join(err, fmt.Errorf(".goreleaser.yaml: there is no %s", pattern))
		}
	}
	return err
}

// buildTargets builds with the flags of a release, and runs what is for this machine.
func (c *checker) buildTargets(ctx context.Context, config releaseConfig) error {
	for _, b := range config.Builds {
		ldflags, err := expand(strings.Join(b.Ldflags, " "))
		if err != nil {
			return err
		}
		for _, target := range b.Targets {
			system, arch, _ := strings.Cut(target, "_")
			args := append([]string{"build", "-o", filepath.Join(c.work, target), "-ldflags", ldflags}, b.Flags...)
			here := system == runtime.GOOS && arch == runtime.GOARCH
			if !here {
				args = append(args, "-gcflags=all=-N -l") // nobody runs it, and it compiles in two thirds of the time
			}
			if _, err := output(ctx, c.root, append(b.Env, "GOOS="+system, "GOARCH="+arch), "go", append(args, b.Main)...); err != nil {
				return err
			}
			if here {
				err = checkVersion(ctx, filepath.Join(c.work, target), "of a release", identity{"v1.2.3", "abcdef"})
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// expand is what goreleaser makes of the template for an invented release.
func expand(text string) (string, error) {
	t, err := template.New("ldflags").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, map[string]string{"Version": "1.2.3", "FullCommit": "abcdef", "CommitDate": "2026-01-02T03:04:05Z"})
	return out.String(), err
}
