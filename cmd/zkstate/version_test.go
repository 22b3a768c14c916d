package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestVersionOfEveryBuild: what the go command says of a program depends on how it was
// built; the linker's word comes first.
func TestVersionOfEveryBuild(t *testing.T) {
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"}}
	for name, c := range map[string]struct {
		info                  debug.BuildInfo
		version, commit, date string
		want                  string
	}{
		"no information at all":     {want: "devel (commit unknown)"},
		"go build without VCS":      {info: debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, want: "devel (commit unknown)"},
		"go install of a version":   {info: debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, want: "v1.2.3 (commit unknown)"},
		"go build in a checkout":    {info: debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20260102030405-abc+dirty"}, Settings: vcs}, want: "v1.2.4-0.20260102030405-abc+dirty (commit abc, 2026-01-02T03:04:05Z, modified)"},
		"a release":                 {info: debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: vcs[:2]}, version: "v1.2.3", commit: "def", date: "2026-05-06T07:08:09Z", want: "v1.2.3 (commit def, 2026-05-06T07:08:09Z)"},
		"a packager's version only": {info: debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, version: "1.2.3-1", want: "1.2.3-1 (commit unknown)"},
	} {
		want := "zkstate " + c.want + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
		if got := newBuild(&c.info, c.version, c.commit, c.date).String(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
