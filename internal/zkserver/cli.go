package zkserver

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// CLI runs lines in ZooKeeper's own command line, one after another in one session, and
// returns what it prints. A line that fails does not end it.
func (s *Server) CLI(ctx context.Context, lines ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.install.java, "-Xmx64m", "-XX:TieredStopAtLevel=1",
		"-cp", strings.Join(s.install.classpath, string(filepath.ListSeparator)),
		"org.apache.zookeeper.ZooKeeperMain", "-waitforconnection", "-server", s.Addr())
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\nquit\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("zkserver: zkCli: %w", err)
	}
	return string(out), nil
}
