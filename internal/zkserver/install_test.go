package zkserver

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// touch makes empty files in a new directory.
func touch(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindInstall(t *testing.T) {
	java := touch(t, "bin/java")
	release := touch(t, "lib/zookeeper-3.9.3.jar", "lib/zookeeper-jute-3.9.3.jar", "lib/README", "extra.jar")
	cache := touch(t, "zkstate/zookeeper-3.9.9/zookeeper-3.9.9.jar", "zkstate/zookeeper-3.9.10/zookeeper-3.9.10.jar", "zkstate/.zookeeper-x/zookeeper-3.9.11.jar")
	for _, test := range []struct {
		name           string
		release        string
		home, javaHome string
		jars           string
		want           []string // base names
		missing        bool     // ErrNotInstalled
	}{
		{name: "release", home: release, javaHome: java, want: []string{"extra.jar", "zookeeper-3.9.3.jar", "zookeeper-jute-3.9.3.jar"}},
		{name: "cached", release: "3.9", home: release, javaHome: java, want: []string{"zookeeper-3.9.10.jar"}},
		{name: "not cached", release: "3.8", home: release, javaHome: java},
		{name: "wrong release", home: touch(t, "lib/zookeeper-jute-3.9.3.jar"), javaHome: java},
		{name: "no such release", home: filepath.Join(release, "no"), javaHome: java},
		{name: "debian", jars: touch(t, "zookeeper.jar", "slf4j-nop.jar", "slf4j-simple.jar"), javaHome: java, want: []string{"zookeeper.jar", "slf4j-simple.jar", "netty-codec.jar"}},
		{name: "debian without a log", jars: touch(t, "zookeeper.jar"), javaHome: java, missing: true},
		{name: "nothing", jars: t.TempDir(), javaHome: java, missing: true},
		{name: "no java", jars: touch(t, "zookeeper.jar", "slf4j-nop.jar"), missing: true},
		{name: "wrong java", jars: touch(t, "zookeeper.jar", "slf4j-nop.jar"), javaHome: release},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", cache)
			t.Setenv("ZKSTATE_ZOOKEEPER", test.release)
			t.Setenv("ZOOKEEPER_HOME", test.home)
			t.Setenv("JAVA_HOME", test.javaHome)
			t.Setenv("PATH", "")
			got, err := findInstall(test.jars)
			if errors.Is(err, ErrNotInstalled) != test.missing || (err == nil) != (test.want != nil) {
				t.Fatalf("%+v, %v", got, err)
			}
			if err != nil {
				return
			}
			for i, path := range got.classpath {
				got.classpath[i] = filepath.Base(path)
			}
			if !slices.Equal(got.classpath, test.want) {
				t.Errorf("class path %q, want %q", got.classpath, test.want)
			}
		})
	}
}

func TestZooCfg(t *testing.T) {
	seats, err := seats(3)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMesh(seats)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	cfg := Config{Properties: map[string]string{"syncLimit": "9"}}.withDefaults()
	got := cfg.zooCfg("/d", seats[1], seats, m)
	for _, want := range []string{
		"syncLimit=9\n", "tickTime=500\n", "dataDir=/d/data\n", "server.1=" + m[way{2, 1}].quorum.Addr(), "server.2=" + seats[1].quorum, "server.3=" + m[way{2, 3}].quorum.Addr(),
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestEscape(t *testing.T) {
	if got, want := escape(`a\é𝄞 b`), `a\\\u00e9\ud834\udd1e b`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseStatus(t *testing.T) {
	got, err := parseStatus("Zookeeper version: 3.8.0-1, built on x\nLatency min/avg/max: 0/0.0/0\nZxid: 0x300000002\nMode: leader\nNode count: 5\n")
	if want := (status{"3.8.0-1", 0x3_0000_0002, Leader}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := parseStatus("This ZooKeeper instance is not currently serving requests\n"); err == nil {
		t.Error("no error from a server that does not serve")
	}
}
