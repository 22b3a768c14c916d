package zkserver

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// CLI runs lines in ZooKeeper's own command line, one after another in one session, and
// returns what it prints. A line that fails does not end it.
func (s *Server) CLI(ctx context.Context, lines ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.install.java, "-Xmx64m", "-XX:TieredStopAtLevel=1",
		"-cp", strings.Join(cliJars(s.install.classpath), string(filepath.ListSeparator)),
		"org.apache.zookeeper.ZooKeeperMain", "-waitforconnection", "-server", s.Addr())
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\nquit\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("zkserver: zkCli: %w: %s", err, out)
	}
	return string(out), nil
}

// cliJars are those of a release, or Debian's if that lacks the library of the command
// line, as what scripts/zookeeper-3.9 fetches does.
func cliJars(jars []string) []string {
	whole := slices.ContainsFunc(jars, func(jar string) bool { return strings.HasPrefix(filepath.Base(jar), "commons-cli") })
	if debian, err := findDebian(debianJars); err == nil && !whole {
		return debian
	}
	return jars
}
