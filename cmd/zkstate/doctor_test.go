//go:build unix

package main

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// complaint is something odd, how it comes about, and how it goes.
type complaint struct {
	check    string
	severity store.Severity
	code     int    // that doctor exits with
	on       string // zk or sqlite, or both if empty
	cause    func(c *clinic, path string)
	says     string                       // in the problem
	cure     func(c *clinic, path string) // if it is not the finding's commands
}

var complaints = map[string]complaint{
	"rejected": {check: "rejected", severity: store.SeverityFault, code: 6, says: "byte 5", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.overwrite(path, `{"a":`)
		c.editor(`{"a":1}`)
	}},
	"rejected-with-journal": {check: "rejected", severity: store.SeverityFault, code: 6, says: "twice", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}' --history 9")
		c.mustRun("zkstate set " + path + " /a 1")
		c.overwrite(path, `{"a":1,"a":2}`)
	}},
	"size": {check: "size", severity: store.SeverityWarning, code: 9, says: "/big~1one", cause: func(c *clinic, path string) {
		c.mustRun(`printf '{"big/one":"%0900000d","small":1}' 0 | zkstate create ` + path + " -")
	}},
	"no-document": {check: "no-document", severity: store.SeverityFault, code: 3, says: "no document", cause: func(c *clinic, _ string) {
		c.mustRun("zkstate create /another 1")
	}},
	"listener-behind": {check: "listener-behind", severity: store.SeverityWarning, code: 9, says: "1 later", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.listen(path, zkstate.Listener{ID: "late", Host: "h", Applied: c.version(path), Status: zkstate.StatusApplied})
		c.mustRun("zkstate set " + path + " /a 1")
	}, cure: restart("late")},
	"listener-rejects": {check: "listener-rejects", severity: store.SeverityWarning, code: 9, says: "at /a", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.listen(path, zkstate.Listener{ID: "strict", Status: zkstate.StatusRejected, Reason: "at /a: no", Newest: c.version(path)})
	}, cure: restart("strict")},
	"listener-unknown": {check: "listener-unknown", severity: store.SeverityNote, code: 0, says: "not one of this library", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.must(c.store.Announce(c.Context(), path, "odd", []byte("?")))
	}, cure: restart("odd")},
	"listener-lost": {check: "listener-lost", severity: store.SeverityNote, code: 0, says: "7s", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.listen(path, zkstate.Listener{ID: "here", Applied: c.version(path), Status: zkstate.StatusApplied})
		const entry = `{"id":"gone","status":"applied","max_staleness_ns":7000000000}`
		if c.file != "" {
			c.sql("INSERT INTO roster SELECT path, 'gone', session, 0, ? FROM roster WHERE path = ?", []byte(entry), path)
			return
		}
		c.request(zk.Create{Path: c.znode(path, "/listeners_open/gone"), Data: []byte(entry), ACL: zk.CreatorACL(zk.PermAll)})
	}},
	"journal-long": {check: "journal-long", severity: store.SeverityWarning, code: 9, says: "3 entries", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}' --history 3")
		c.mustRun("zkstate set " + path + " /a 1")
		c.mustRun("zkstate set " + path + " /a 2")
		c.keep(path, "1")
	}},
	"journal-keeps-too-much": {check: "journal-long", severity: store.SeverityWarning, code: 9, says: "20000", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}' --history 3")
		c.keep(path, "20000")
	}},
	"lock-left-behind": {check: "lock-left-behind", severity: store.SeverityWarning, code: 9, on: "zk", says: "crate", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.request(zk.Create{Path: c.znode(path, "/write_lock"), ACL: zk.CreatorACL(zk.PermAll)})
		c.request(zk.Create{Path: c.znode(path, "/write_lock/latch-crate's;id-0000000007"), ACL: zk.CreatorACL(zk.PermAll)})
	}},
	"lock-old": {check: "lock-old", severity: store.SeverityWarning, code: 9, on: "sqlite", says: "1 wait", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.listen(path, zkstate.Listener{ID: "holder", Applied: c.version(path), Status: zkstate.StatusApplied})
		for n, age := range []time.Duration{time.Hour, time.Minute} {
			c.sql("INSERT INTO writers (path, id, session, call) SELECT path, 'w' || ?, session, ? FROM listeners WHERE path = ?",
				n, time.Now().Add(-age).UnixNano(), path)
		}
	}},
	"clock": {check: "clock", severity: store.SeverityWarning, code: 9, on: "sqlite", says: "1h0m0s from now", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.sql("UPDATE documents SET mtime = ? WHERE path = ?", time.Now().Add(time.Hour).UnixNano(), path)
	}, cure: func(c *clinic, path string) { c.mustRun("zkstate set " + path + " /a 1") }},
	"unreadable": {check: "unreadable", severity: store.SeverityFault, code: 1, on: "zk", says: "permission denied", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.request(zk.SetACL{Path: c.znode(path, "/payload"), ACL: []zk.ACL{{Perms: zk.PermAll, Scheme: "digest", ID: "app:" + strings.Repeat("A", 27) + "="}}, Version: zk.AnyVersion})
	}, cure: func(c *clinic, path string) {
		c.request(zk.Delete{Path: c.znode(path, "/payload"), Version: zk.AnyVersion})
		c.mustRun("zkstate create " + path + " '{}'")
	}},
	"permissions": {check: "permissions", severity: store.SeverityWarning, code: 9, on: "sqlite", says: "-rw-r--r--", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.must(os.Chmod(c.file+"-wal", 0o644))
	}},
	"large-log": {check: "large-log", severity: store.SeverityNote, code: 0, on: "sqlite", says: "65 MB", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		c.must(os.Truncate(c.file+"-wal", 65<<20))
	}, cure: func(c *clinic, _ string) { c.sql("PRAGMA wal_checkpoint(TRUNCATE)") }},
	"world-writable": {check: "world-writable", severity: store.SeverityWarning, code: 9, on: "sqlite", says: "every user", cause: func(c *clinic, path string) {
		c.mustRun("zkstate create " + path + " '{}'")
		for _, name := range []string{"", "-wal", "-shm"} {
			c.must(os.Chmod(c.file+name, 0o602))
		}
	}},
}

// restart is what an application does that goes and comes back with what is newest.
func restart(id string) func(*clinic, string) {
	return func(c *clinic, path string) { c.must(c.store.Withdraw(c.Context(), path, id)) }
}

// TestDoctor: each complaint is found, its advice works, and then there is nothing odd.
func TestDoctor(t *testing.T) {
	for _, kind := range []string{"sqlite", "zk"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t, kind)
			for name, complaint := range complaints {
				if complaint.on == "" || complaint.on == kind {
					c.treat("/"+name, complaint)
				}
			}
			if kind == "zk" {
				c.treatZnodes()
			}
		})
	}
}

func (c *clinic) treat(path string, is complaint) {
	c.Helper()
	is.cause(c, path)
	before, code := c.examine(path)
	found := findingsOf(before, is.check)
	if code != is.code || len(found) != 1 || found[0].Severity != is.severity || !strings.Contains(found[0].Problem+found[0].About, is.says) || found[0].Advice == "" {
		c.Fatalf("%s: exit code %d, want %d and %s: %+v", path, code, is.code, is.severity, before.Findings)
	}
	if is.cure != nil {
		is.cure(c, path)
	} else {
		c.apply(found...)
	}
	after, code := c.examine(path)
	if code != 0 || len(findingsOf(after, is.check)) > 0 {
		c.Errorf("%s: exit code %d after %q: %+v", path, code, found[0].Commands, after.Findings)
	}
}

// treatZnodes is about what only ZooKeeper has, all at once, since its own command line takes
// a second to start.
func (c *clinic) treatZnodes() {
	c.Helper()
	c.mustRun("zkstate create /doc '{}' --history 5")
	everybody := zk.WorldACL(zk.PermAll)
	for _, name := range []string{"/history", "/history/0000000000"} {
		c.request(zk.SetACL{Path: c.znode("/doc", name), ACL: everybody, Version: zk.AnyVersion})
	}
	c.request(zk.SetACL{Path: c.znode("/doc", "/payload"), ACL: everybody, Version: zk.AnyVersion})
	c.request(zk.Create{Path: c.znode("/doc", "/listeners/a b's"), ACL: zk.CreatorACL(zk.PermAll)})
	c.request(zk.Create{Path: c.znode("/doc", "/write_lock"), ACL: []zk.ACL{
		{Perms: zk.PermAll, Scheme: "digest", ID: "somebody:" + strings.Repeat("A", 27) + "="}, {Perms: zk.PermRead, Scheme: "world", ID: "anyone"}}})
	for _, node := range [][2]string{{"/base", ""}, {"/base/zookeeper_limits", "count=4,bytes=-1"}, {"/base/zookeeper_stats", ""}} {
		c.request(zk.Create{Path: "/zookeeper/quota" + node[0], Data: []byte(node[1]), ACL: everybody})
	}
	before, code := c.examine("/doc")
	var findings []findingJSON
	for check, says := range map[string]string{"world-writable": "digest:app", "record-left-behind": "no session", "foreign-acl": "digest:somebody:x:cdrwa", "quota": "znodes"} {
		found := findingsOf(before, check)
		if len(found) != 1 || !strings.Contains(found[0].Problem, says) || found[0].Severity != store.SeverityWarning {
			c.Errorf("%s: %+v", check, before.Findings)
		}
		findings = append(findings, found...)
	}
	if code != exitcode.Attention {
		c.Errorf("exit code %d", code)
	}
	c.apply(findings...)
	if after, code := c.examine("/doc"); code != 0 || len(after.Findings) > 0 {
		c.Errorf("exit code %d: %+v", code, after.Findings)
	}
}

// TestDoctorWritesNothing: the servers log no transaction of it that changes anything, and
// the right to read is all that it needs.
func TestDoctorWritesNothing(t *testing.T) {
	t.Parallel()
	c := newClinic(t, "zk")
	c.mustRun("zkstate create /doc '{}' --history 3 --acl read")
	c.mustRun("zkstate lock --acl read /doc -- true")
	before, err := c.server.Transactions()
	c.must(err)
	stranger := "ZKSTATE_STORE=zk://" + c.server.Addr() + "/base zkstate doctor /doc"
	for _, line := range []string{"zkstate doctor /doc", stranger, "zkstate doctor /nothing || true"} {
		out := c.mustRun(line)
		if strings.Contains(out, "world-writable") || strings.Contains(out, ":"+strings.TrimPrefix(appAuth, "app:")) {
			t.Errorf("%s\n%s", line, out)
		}
	}
	after, err := c.server.Transactions()
	c.must(err)
	for _, record := range after[len(before):] {
		switch kind := int32(binary.BigEndian.Uint32(record[28:])); kind {
		case -10, -11: // sessions begin and end
		case 14: // a Multi, which begins with its length, and with an operation's kind
			if first := binary.BigEndian.Uint32(record[36:]); binary.BigEndian.Uint32(record[32:]) != 1 || first != 13 {
				t.Errorf("a Multi that begins with a %d was logged", first)
			}
		default:
			t.Errorf("a transaction of kind %d was logged", kind)
		}
	}
}

// TestDoctorOnSQLiteWritesNothing: another connection sees no commit.
func TestDoctorOnSQLiteWritesNothing(t *testing.T) {
	t.Parallel()
	c := newClinic(t, "sqlite")
	c.mustRun("zkstate create /doc '{}' --history 3")
	db, err := sql.Open("sqlite", c.file)
	c.must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	dataVersion := func() (n int) {
		c.must(db.QueryRow("PRAGMA data_version").Scan(&n))
		return n
	}
	before := dataVersion()
	c.mustRun("zkstate doctor /doc")
	c.run("zkstate doctor /nothing")
	if after := dataVersion(); after != before {
		t.Errorf("somebody has committed: %d, then %d", before, after)
	}
}

// TestDoctorOnADamagedFile: one that is too large to be checked whenever it is opened.
func TestDoctorOnADamagedFile(t *testing.T) {
	t.Parallel()
	c := newClinic(t, "sqlite")
	for _, path := range []string{"/a", "/b", "/c", "/d", "/e", "/f", "/g"} {
		c.mustRun(`printf '"%0700000d"' 0 | zkstate create ` + path + " -")
	}
	c.must(c.store.Close()) // the log goes into the file
	c.mustRun("cp -p " + c.file + " BACKUP")
	damage := bytes.Repeat([]byte{0xff}, 16<<10)
	f, err := os.OpenFile(c.file, os.O_RDWR, 0)
	c.must(err)
	_, err = f.WriteAt(damage, 3<<20)
	c.must(errors.Join(err, f.Close()))
	before, code := c.examine("/a")
	found := findingsOf(before, "damaged")
	if code != exitcode.Other || len(found) != 1 || found[0].Severity != store.SeverityFault {
		t.Fatalf("exit code %d: %+v", code, before.Findings)
	}
	c.apply(found...)
	if after, code := c.examine("/a"); code != 0 {
		t.Errorf("exit code %d: %+v", code, after.Findings)
	}
}
