package zkserver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// WriteCLI writes a script that does what zkCli.sh does, ZooKeeper's own command line, and
// that takes CLIENT_JVMFLAGS as that does. The error matches [ErrNotInstalled] where there is none.
func WriteCLI(file string) error {
	found, err := findInstall(debianJars)
	if err != nil {
		return err
	}
	classpath := strings.Join(cliJars(found.classpath), string(filepath.ListSeparator))
	// Debian's release knows TLS 1.2 only, and newer servers 1.3 only, unless they are told.
	const both = "-Dzookeeper.ssl.protocol=TLSv1.3 -Dzookeeper.ssl.enabledProtocols=TLSv1.3,TLSv1.2"
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' -Xmx64m -XX:TieredStopAtLevel=1 "+both+" $CLIENT_JVMFLAGS -cp '%s' org.apache.zookeeper.ZooKeeperMain \"$@\"\n", found.java, classpath)
	return os.WriteFile(file, []byte(script), 0o755)
}

// cliJars are those of a release, or Debian's if that lacks the library of the command
// line, as what scripts/zookeeper-3.9 fetches does.
func cliJars(jars []string) []string {
	whole := slices.ContainsFunc(jars, func(jar string) bool { return strings.HasPrefix(filepath.Base(jar), "commons-cli") })
	if debian, err := findDebian(debianJars); err == nil && !whole {
		return append(debian, filepath.Join(debianJars, "netty-resolver.jar")) // for TLS
	}
	return jars
}
