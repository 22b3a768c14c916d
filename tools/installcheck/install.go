package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

const modulePath = "github.com/zkstate/zkstate"

// install installs the tool and builds the README's first program, both out of the
// packed modules and with the least Go version that go.mod admits.
func (c *checker) install(ctx context.Context) (err error) {
	tree, err := c.copySource(ctx)
	if err != nil {
		return err
	}
	version := module.PseudoVersion("", "", time.Now(), "000000000000") // no cache has it yet
	proxy := filepath.Join(c.work, "proxy")
	if err := pack(tree, proxy, version); err != nil {
		return err
	}
	env, err := c.userEnv(ctx, proxy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, forget(ctx, version)) }()
	empty := filepath.Join(c.work, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		return err
	}
	if _, err := output(ctx, empty, env, "go", "install", modulePath+"/cmd/zkstate@"+version); err != nil {
		return err
	}
	if err := c.tryTool(ctx, filepath.Join(c.work, "bin", "zkstate"), version); err != nil {
		return err
	}
	return errors.Join(c.tryLibrary(ctx, env, version), c.tryAdapters(ctx, env, version))
}

// userEnv is what go runs with: the packed modules first, and the Go version of go.mod.
func (c *checker) userEnv(ctx context.Context, proxy string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(c.root, "go.mod"))
	if err != nil {
		return nil, err
	}
	file, err := modfile.ParseLax("go.mod", text, nil)
	if err != nil {
		return nil, err
	}
	next, err := output(ctx, c.root, nil, "go", "env", "GOPROXY")
	if err != nil {
		return nil, err
	}
	return []string{
		"GOPROXY=file://" + filepath.ToSlash(proxy) + "," + next,
		"GONOSUMDB=" + modulePath, "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=go" + file.Go.Version,
		"GOBIN=" + filepath.Join(c.work, "bin"),
	}, nil
}

// tryTool asks the installed tool for its version and has it keep a document.
func (c *checker) tryTool(ctx context.Context, tool, version string) error {
	if err := checkVersion(ctx, tool, "installed out of a module", identity{version, "unknown"}); err != nil {
		return err
	}
	env := []string{"ZKSTATE_STORE=sqlite:" + filepath.Join(c.work, "state.db")}
	if _, err := output(ctx, c.work, env, tool, "create", "/try", `{"a":1}`); err != nil {
		return err
	}
	got, err := output(ctx, c.work, env, tool, "get", "/try", "/a")
	if err == nil && got != "1" {
		err = fmt.Errorf("the installed tool gets %q instead of 1", got)
	}
	return err
}

// tryLibrary builds the first program of the README in a module of its own.
func (c *checker) tryLibrary(ctx context.Context, env []string, version string) error {
	readme, err := os.ReadFile(filepath.Join(c.root, "README.md"))
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(string(readme), "```go\n")
	program, _, found := strings.Cut(after, "```")
	if !found {
		return errors.New("README.md has no program in Go")
	}
	dir := filepath.Join(c.work, "user")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o644); err != nil {
		return err
	}
	return c.build(ctx, env, dir, modulePath+"@"+version)
}

// adapters is a program that uses the modules that applications have beside the main one.
const adapters = `package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/metric/noop"
	tracing "go.opentelemetry.io/otel/trace/noop"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/metrics"
	"github.com/zkstate/zkstate/metrics/otel"
	"github.com/zkstate/zkstate/metrics/prom"
)

func main() {
	set := metrics.NewSet("main")
	prometheus.MustRegister(prom.NewCollector(set))
	if _, err := otel.Observe(noop.NewMeterProvider(), set); err != nil {
		panic(err)
	}
	_ = zkstate.WithTracer(otel.NewTracer(tracing.NewTracerProvider()))
}
`

// tryAdapters builds that program in a module of its own.
func (c *checker) tryAdapters(ctx context.Context, env []string, version string) error {
	dir := filepath.Join(c.work, "adapters")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(adapters), 0o644); err != nil {
		return err
	}
	return c.build(ctx, env, dir, modulePath+"/metrics/prom@"+version, modulePath+"/metrics/otel@"+version)
}

// build makes a module in dir that gets others, and vets its program.
func (c *checker) build(ctx context.Context, env []string, dir string, get ...string) error {
	for _, args := range [][]string{{"mod", "init", "example.com/user"}, append([]string{"get"}, get...), {"mod", "tidy"}, {"vet", "."}} {
		if _, err := output(ctx, dir, env, "go", args...); err != nil {
			return err
		}
	}
	return nil
}

// forget removes a version of ours from the module cache.
func forget(ctx context.Context, version string) error {
	cache, err := output(ctx, ".", nil, "go", "env", "GOMODCACHE")
	for _, path := range []string{modulePath, modulePath + "/metrics/prom", modulePath + "/metrics/otel"} {
		if err == nil {
			err = forgetModule(cache, path, version)
		}
	}
	return err
}

// forgetModule removes a module from the cache, where nothing is writable.
func forgetModule(cache, path, version string) error {
	extracted := filepath.Join(cache, filepath.FromSlash(path)+"@"+version)
	err := filepath.WalkDir(extracted, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	downloaded, err := filepath.Glob(filepath.Join(cache, "cache", "download", filepath.FromSlash(path), "@v", version+".*"))
	for _, path := range append(downloaded, extracted) {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}
