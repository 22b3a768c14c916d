package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// A release sets these with -ldflags "-X main.version=…"; so may whoever builds from an
// archive of the source, which knows nothing of versions. What they leave empty is
// taken from what the go command put into the program.
var version, commit, date string

// build says which program this is. It is what "version -o json" prints.
type build struct {
	Version  string `json:"version"`  // "devel" if nothing says it
	Commit   string `json:"commit"`   // "unknown" if nothing says it
	Date     string `json:"date"`     // of the commit, in RFC 3339; "unknown" if nothing says it
	Modified bool   `json:"modified"` // the source was not that of the commit
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// thisBuild is the only source of the version, in whichever way the program was built.
func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return newBuild(info, version, commit, date)
}

// newBuild takes from info what the linker has not set.
func newBuild(info *debug.BuildInfo, version, commit, date string) build {
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	module := info.Main.Version
	if module == "(devel)" {
		module = ""
	}
	return build{
		Version:  cmp.Or(version, module, "devel"),
		Commit:   cmp.Or(commit, settings["vcs.revision"], "unknown"),
		Date:     cmp.Or(date, settings["vcs.time"], "unknown"),
		Modified: settings["vcs.modified"] == "true",
		Go:       runtime.Version(),
		OS:       runtime.GOOS,
		Arch:     runtime.GOARCH,
	}
}

// String is what "version" and "--version" print.
func (b build) String() string {
	source := []string{"commit " + b.Commit}
	if b.Date != "unknown" {
		source = append(source, b.Date)
	}
	if b.Modified {
		source = append(source, "modified")
	}
	return fmt.Sprintf("zkstate %s (%s) %s %s/%s", b.Version, strings.Join(source, ", "), b.Go, b.OS, b.Arch)
}

func (c *cli) newVersion() *cobra.Command {
	return c.command("version", "Print the version of this program", cobra.NoArgs, "json",
		func(context.Context, []string) error {
			if c.output == "json" {
				return c.printJSON(thisBuild())
			}
			_, err := fmt.Fprintln(c.stdout, thisBuild())
			return err
		})
}
