package peers

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed curator/Contention.java
var curatorSource []byte

// The jars' manifests name the rest. The last one silences the logging.
var curatorJars = []string{"curator-recipes.jar", "slf4j-nop.jar"}

// Curator compiles the program for Apache Curator into dir, which must outlive the
// Peer. The error matches [ErrNotInstalled] without Debian's Curator or a JDK.
func Curator(ctx context.Context, dir string) (*Peer, error) {
	const jars = "/usr/share/java"
	classpath := []string{dir}
	for _, name := range curatorJars {
		jar := filepath.Join(jars, name)
		if _, err := os.Stat(jar); err != nil {
			return nil, fmt.Errorf("Curator: %w: %w", ErrNotInstalled, err)
		}
		classpath = append(classpath, jar)
	}
	javac, err := exec.LookPath("javac")
	if err != nil {
		return nil, fmt.Errorf("Curator: %w: %w", ErrNotInstalled, err)
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("Curator: %w: %w", ErrNotInstalled, err)
	}
	source := filepath.Join(dir, "Contention.java")
	if err := os.WriteFile(source, curatorSource, 0o644); err != nil {
		return nil, fmt.Errorf("Curator: %w", err)
	}
	path := strings.Join(classpath, string(filepath.ListSeparator))
	if out, err := exec.CommandContext(ctx, javac, "-nowarn", "-cp", path, "-d", dir, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("Curator: javac: %w\n%s", err, tail(out))
	}
	return &Peer{
		Name:    "Curator" + version(filepath.Join(jars, "curator-recipes-*.jar")),
		command: []string{java, "-Xmx256m", "-cp", path, "Contention"},
		warmUp:  2 * time.Second,
	}, nil
}

// version is taken from the one file name that matches a pattern such as
// curator-recipes-*.jar, with a space before it.
func version(pattern string) string {
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		return ""
	}
	before, after, _ := strings.Cut(pattern, "*")
	return " " + strings.TrimSuffix(strings.TrimPrefix(found[0], before), after)
}
