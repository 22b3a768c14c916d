//go:build unix

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/testcert"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

// clinic is a store whose documents are made odd, examined and healed.
type clinic struct {
	*testing.T
	sh    *shell
	store store.Store // the application's handle

	file   string           // of SQLite, else ""
	server *zkserver.Server // of ZooKeeper, else nil
	raw    *zk.Client       // another tool of the application
	chroot string
}

// appAuth is the application on ZooKeeper.
const appAuth = "app:secret"

func newClinic(t *testing.T, kind string) *clinic {
	if kind == "zk" {
		return newClinicAs(t, appAuth, "/base")
	}
	c := &clinic{T: t, file: filepath.Join(t.TempDir(), "state.db")}
	c.open("sqlite:" + c.file)
	return c
}

// newClinicAs is on ZooKeeper, with digest credentials and a chroot.
func newClinicAs(t *testing.T, auth, chroot string) *clinic {
	c := &clinic{T: t, server: zkserver.Standalone(t), chroot: chroot}
	c.connect(zk.Config{Servers: zk.Hosts{c.server.Addr()}, Auth: []zk.Auth{{Scheme: "digest", Credentials: []byte(auth)}}})
	c.open("zk://" + auth + "@" + c.server.Addr() + chroot + "?session=4s")
	return c
}

// newSecureClinic is on a ZooKeeper that is secured and has an open port besides. Where its
// commands run, the application's certificate is in the files ca.pem, app.pem and app.key.
func newSecureClinic(t *testing.T, chroot string) *clinic {
	authority := testcert.NewAuthority(t)
	host := authority.Issue(t, testcert.Leaf{CommonName: "zk", Hosts: []string{"127.0.0.1"}})
	app := authority.Issue(t, testcert.Leaf{CommonName: "app"})
	c := &clinic{T: t, chroot: chroot, server: zkserver.StandaloneConfig(t, zkserver.Config{
		TLS: &zkserver.TLS{KeyStore: host.Both, TrustStore: authority.File, ClientAuth: "want"},
	})}
	c.connect(zk.Config{Servers: zk.Hosts{c.server.SecureAddr()}, TLS: zk.TLSFiles{CA: authority.File, Cert: app.Cert, Key: app.Key}.Config})
	c.open(fmt.Sprintf("zks://%s%s?cacert=%s&cert=%s&key=%s", c.server.SecureAddr(), chroot, authority.File, app.Cert, app.Key))
	for name, file := range map[string]string{"ca.pem": authority.File, "app.pem": app.Cert, "app.key": app.Key} {
		c.must(os.Symlink(file, filepath.Join(c.sh.dir, name)))
	}
	return c
}

func (c *clinic) connect(cfg zk.Config) {
	c.Helper()
	raw, err := zk.Connect(cfg)
	c.must(err)
	c.Cleanup(raw.Close)
	c.raw = raw
}

func (c *clinic) open(url string) {
	c.Helper()
	c.sh = newShell(c.T, url)
	if c.server != nil {
		c.must(zkserver.WriteCLI(filepath.Join(c.sh.dir, "zkCli.sh")))
		c.sh.env[0] = strings.Replace(c.sh.env[0], "PATH=", "PATH="+c.sh.dir+":", 1)
	}
	s, err := storeurl.Open(c.Context(), url)
	c.must(err)
	c.Cleanup(func() { _ = s.Close() })
	c.store = s
}

func (c *clinic) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// run runs a line of a shell, and returns what it prints and its exit code.
func (c *clinic) run(line string) (out string, code int) {
	c.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Env = c.sh.dir, c.sh.env
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		c.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// mustRun runs a line that must succeed.
func (c *clinic) mustRun(line string) string {
	c.Helper()
	out, code := c.run(line)
	if code != 0 {
		c.Fatalf("%s\nexit code %d: %s", line, code, out)
	}
	return out
}

// examine runs doctor.
func (c *clinic) examine(path string) (found examinationJSON, code int) {
	c.Helper()
	out, code := c.run("zkstate doctor " + path + " -o json")
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		c.Fatalf("%v: %s", err, out)
	}
	return found, code
}

// findingsOf are those of a check.
func findingsOf(found examinationJSON, check string) []findingJSON {
	return slices.DeleteFunc(slices.Clone(found.Findings), func(f findingJSON) bool { return f.Check != check })
}

// apply runs the commands of findings, word for word. Those of zkCli.sh share one session,
// in which the application is authenticated.
func (c *clinic) apply(findings ...findingJSON) {
	c.Helper()
	lines := []string{"addauth digest " + appAuth}
	for _, f := range findings {
		switch f.In {
		case store.InShell:
			for _, command := range f.Commands {
				c.mustRun(command)
			}
		case store.InZooKeeperCLI:
			lines = append(lines, f.Commands...)
		}
	}
	if len(lines) > 1 {
		c.Logf("%q", lines)
		c.Log(c.mustRun("zkCli.sh -waitforconnection -server " + c.server.Addr() + " <<'EOF'\n" + strings.Join(lines, "\n") + "\nEOF"))
	}
}

// sql changes the file as another tool does.
func (c *clinic) sql(query string, args ...any) {
	c.Helper()
	db, err := sql.Open("sqlite", c.file)
	c.must(err)
	defer db.Close()
	_, err = db.Exec(query, args...)
	c.must(err)
}

// request changes ZooKeeper as another tool of the application does.
func (c *clinic) request(request zk.Request) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 30*time.Second)
	defer cancel()
	session, err := c.raw.Session(ctx)
	c.must(err)
	_, err = session.Call(ctx, request)
	c.must(err)
}

// znode is where something of a document is.
func (c *clinic) znode(path, name string) string { return c.chroot + path + name }

// overwrite replaces the text of a document as another tool does, whatever the text is.
func (c *clinic) overwrite(path, text string) {
	c.Helper()
	if c.file != "" {
		c.sql("UPDATE documents SET body = ? WHERE path = ?", []byte(text), path)
	} else {
		c.request(zk.Set{Path: c.znode(path, "/payload"), Data: []byte(text), Version: zk.AnyVersion})
	}
}

// keep says how many entries a journal is to keep, and removes none.
func (c *clinic) keep(path, n string) {
	c.Helper()
	if c.file != "" {
		c.sql("UPDATE journals SET keep = ? WHERE path = ?", n, path)
	} else {
		c.request(zk.Set{Path: c.znode(path, "/history"), Data: []byte(`{"keep":` + n + `}`), Version: zk.AnyVersion})
	}
}

// listen announces a record, which the test withdraws or the store when it is closed.
func (c *clinic) listen(path string, l zkstate.Listener) {
	c.Helper()
	data, err := json.Marshal(l)
	c.must(err)
	c.must(c.store.Announce(c.Context(), path, l.ID, data))
}

func (c *clinic) version(path string) store.Version {
	c.Helper()
	place, err := c.store.Stat(c.Context(), path, store.Linearizable)
	c.must(err)
	return place.Version
}

// editor makes edit replace the document by a text.
func (c *clinic) editor(text string) {
	c.Helper()
	file := filepath.Join(c.sh.dir, "editor")
	c.must(os.WriteFile(file, []byte("#!/bin/sh\nprintf %s '"+text+"' >\"$1\"\n"), 0o755))
	c.sh.env = append(c.sh.env, "EDITOR="+file, "VISUAL=")
}
