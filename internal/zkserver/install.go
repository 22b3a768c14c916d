package zkserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNotInstalled is met when this machine has no ZooKeeper or no Java. A wrong
// ZKSTATE_ZOOKEEPER, ZOOKEEPER_HOME or JAVA_HOME is another error.
var ErrNotInstalled = errors.New("zkserver: no ZooKeeper here (run `make zookeeper` or `apt-get install libzookeeper-java default-jre-headless`, or set ZOOKEEPER_HOME)")

// debianJars is where Debian and Ubuntu put their libraries.
const debianJars = "/usr/share/java"

// bindings are the jars that can carry the server's log, the best first.
// Without one the server says nothing when it fails.
var bindings = []string{"slf4j-simple.jar", "slf4j-log4j12.jar", "slf4j-jdk14.jar", "slf4j-nop.jar"}

// install is a ZooKeeper that can be run.
type install struct {
	java      string
	classpath []string
}

// Installed reports why no server can be started here, or nil. The error matches
// [ErrNotInstalled] if nothing is installed, and not if something is, wrongly.
func Installed() error {
	_, err := findInstall(debianJars)
	return err
}

// findInstall looks for the release that ZKSTATE_ZOOKEEPER names, or else into
// ZOOKEEPER_HOME, or else into a folder of jars.
func findInstall(jars string) (*install, error) {
	classpath, err := findJars(jars)
	if err != nil {
		return nil, err
	}
	java, err := findJava()
	if err != nil {
		return nil, err
	}
	return &install{java: java, classpath: classpath}, nil
}

func findJars(jars string) ([]string, error) {
	if release := os.Getenv("ZKSTATE_ZOOKEEPER"); release != "" {
		home, err := cachedHome(release)
		if err != nil {
			return nil, err
		}
		return homeJars("ZKSTATE_ZOOKEEPER", home)
	}
	if home := os.Getenv("ZOOKEEPER_HOME"); home != "" {
		return homeJars("ZOOKEEPER_HOME", home)
	}
	return findDebian(jars)
}

// findDebian looks into a folder of jars.
func findDebian(jars string) ([]string, error) {
	server := filepath.Join(jars, "zookeeper.jar") // its manifest names the rest
	if !exists(server) {
		return nil, fmt.Errorf("%w: there is no %s", ErrNotInstalled, server)
	}
	for _, name := range bindings {
		if binding := filepath.Join(jars, name); exists(binding) {
			// The manifest lacks netty's codec, without which there is no TLS.
			return []string{server, binding, filepath.Join(jars, "netty-codec.jar")}, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no %s: install libslf4j-java", ErrNotInstalled, filepath.Join(jars, bindings[0]))
}

// cachedHome is where scripts/zookeeper-3.9 put the newest of a line of releases
// such as 3.9.
func cachedHome(release string) (string, error) {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("zkserver: ZKSTATE_ZOOKEEPER: %w", err)
		}
		cache = filepath.Join(home, ".cache")
	}
	prefix := "zookeeper-" + release + "."
	newest, patch := "", -1
	entries, _ := os.ReadDir(filepath.Join(cache, "zkstate"))
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		if n, err := strconv.Atoi(rest); ok && err == nil && n > patch {
			newest, patch = filepath.Join(cache, "zkstate", e.Name()), n
		}
	}
	if newest == "" {
		return "", fmt.Errorf("zkserver: ZKSTATE_ZOOKEEPER is %s, and %s has no %s*: run scripts/zookeeper-3.9", release, filepath.Join(cache, "zkstate"), prefix)
	}
	return newest, nil
}

// homeJars is what a release of the Apache project has. The variable is the one
// that led to it.
func homeJars(variable, home string) ([]string, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return nil, fmt.Errorf("zkserver: %s: %w", variable, err)
	}
	var found []string
	server := false
	for _, dir := range []string{home, filepath.Join(home, "lib")} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("zkserver: %s: %w", variable, err)
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) != ".jar" {
				continue
			}
			found = append(found, filepath.Join(dir, e.Name()))
			server = server || isServerJar(e.Name())
		}
	}
	if !server {
		return nil, fmt.Errorf("zkserver: %s leads to %s, which has no zookeeper*.jar, nor has its lib", variable, home)
	}
	return found, nil
}

// isServerJar knows zookeeper.jar and zookeeper-3.9.3.jar from
// zookeeper-jute-3.9.3.jar.
func isServerJar(name string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(name, ".jar"), "zookeeper")
	return ok && (rest == "" || len(rest) > 1 && rest[0] == '-' && rest[1] >= '0' && rest[1] <= '9')
}

func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java, err := exec.LookPath(filepath.Join(home, "bin", "java"))
		if err != nil {
			return "", fmt.Errorf("zkserver: JAVA_HOME is %s: %w", home, err)
		}
		return java, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	return java, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
