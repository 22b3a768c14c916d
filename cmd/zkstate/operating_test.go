//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
)

// block is a fenced block of a page.
type block struct {
	heading  string
	language string // sh is for a shell on ZooKeeper, sqlite for one on a file
	text     string
}

var fence = regexp.MustCompile("(?ms)^(#+ ([^\n]*)|```([a-z]+)\n(.*?)^```)$")

// blocksOf returns the blocks of a page in their order.
func blocksOf(t *testing.T, page string) (blocks []block) {
	heading := ""
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		if m[2] != "" {
			heading = m[2]
		} else {
			blocks = append(blocks, block{heading, m[3], m[4]})
		}
	}
	if len(blocks) == 0 {
		t.Fatal("the page has no blocks")
	}
	return blocks
}

func operatingPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// troubles are what the sections of the runbook are for.
var troubles = map[string]func(*clinic){
	"ZkstateRejected": func(c *clinic) { c.overwrite("/app/config", `{"interval":`) },
	"ZkstateBehind": func(c *clinic) {
		c.must(c.store.Announce(c.Context(), "/app/config", "web-1", []byte("{}")))
		c.request(zk.Create{Path: c.znode("/app/config", "/listeners_open/web-3"), Data: []byte("{}"), ACL: zk.CreatorACL(zk.PermAll)})
	},
	"ZkstateLockWaits": func(c *clinic) {
		c.mustRun("zkstate lock /app/config -- true")
		c.request(zk.Create{Path: c.znode("/app/config", "/write_lock/latch-web-3-0000000000"), ACL: zk.CreatorACL(zk.PermAll)})
	},
}

// TestOperatingPage runs the page's blocks, in their order.
func TestOperatingPage(t *testing.T) {
	t.Parallel()
	needs(t, "bash", "sqlite3")
	c := newSecureClinic(t, "/prod")
	c.sh.env = slices.DeleteFunc(c.sh.env, func(v string) bool { return strings.HasPrefix(v, storeVariable+"=") })
	ours := strings.NewReplacer("zk1:2181,zk2:2181,zk3:2181", c.server.Addr(), "zk1:2281,zk2:2281,zk3:2281", c.server.SecureAddr(), "zk1:2281", c.server.SecureAddr(), "/var/lib/app", filepath.Join(c.sh.dir, "lib"))
	c.must(os.Mkdir(filepath.Join(c.sh.dir, "lib"), 0o755))
	for _, b := range blocksOf(t, operatingPage(t)) {
		if cause := troubles[b.heading]; cause != nil {
			cause(c)
		}
		switch b.language {
		case "sqlite", "sh":
			c.block(ours.Replace(b.text))
		}
	}
}

// block runs a block in bash, with what the blocks before it exported. Each command that
// has no alternative must succeed.
func (c *clinic) block(text string) {
	c.Helper()
	exported := filepath.Join(c.sh.dir, "exported")
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", text+"\nenv -0 | grep -z ^ZKSTATE_ >"+exported+" || true\n")
	cmd.Dir, cmd.Env = c.sh.dir, c.sh.env
	out, err := cmd.CombinedOutput()
	c.Logf("%s\n%s", text, out)
	if err != nil {
		c.Fatal(err)
	}
	after, err := os.ReadFile(exported)
	c.must(err)
	for _, variable := range bytes.Split(bytes.TrimSuffix(after, []byte{0}), []byte{0}) {
		c.sh.env = append(c.sh.env, string(variable))
	}
}

// TestOperatingPageKnowsEveryFinding: the table of findings is that of the code.
func TestOperatingPageKnowsEveryFinding(t *testing.T) {
	named := make(map[string]bool)
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ")
	for _, m := range row.FindAllStringSubmatch(operatingPage(t), -1) {
		named[m[1]] = true
	}
	checks := make(map[string]bool)
	name := regexp.MustCompile(`Check(?::|, f\.[A-Za-z, f.]+ =|\s+=) "([a-z-]+)"`)
	for _, pattern := range []string{"doctor*.go", "../../store/zkstore/*.go", "../../store/sqlitestore/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range name.FindAllStringSubmatch(string(text), -1) {
				checks[m[1]] = true
			}
		}
	}
	for check := range checks {
		if !named[check] {
			t.Errorf("the page does not describe %s", check)
		}
	}
	for check := range named {
		if !checks[check] {
			t.Errorf("the page describes %s, which nothing finds", check)
		}
	}
}

// TestOperatingPageLinks: to other pages, and to sections of this one.
func TestOperatingPageLinks(t *testing.T) {
	page := operatingPage(t)
	anchors := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		anchor := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		anchors[regexp.MustCompile(`[^a-z0-9-]`).ReplaceAllString(anchor, "")] = true
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(page, -1) {
		file, anchor, _ := strings.Cut(m[1], "#")
		if file == "" && !anchors[anchor] {
			t.Errorf("%s leads nowhere", m[1])
		}
		if file != "" {
			if _, err := os.Stat(filepath.Join("../../docs", file)); err != nil {
				t.Error(err)
			}
		}
	}
}
