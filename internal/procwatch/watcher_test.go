package procwatch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func came(pid int32, name, glob string) Event { return Event{true, Process{pid, name}, glob} }
func gone(pid int32, name, glob string) Event { return Event{false, Process{pid, name}, glob} }

func TestWatcher(t *testing.T) {
	type look struct {
		procs   []Process
		globs   []string
		events  []Event
		matches []Process
	}
	vi, emacs := Process{1, "vi"}, Process{2, "emacs"}
	vim, top := Process{1, "vim"}, Process{1, "top"}
	worker := Process{9, "kworker/0:1"}
	hasVi := look{[]Process{vi}, []string{"vi*"}, []Event{came(1, "vi", "vi*")}, []Process{vi}}

	for _, test := range []struct {
		name  string
		looks []look
	}{
		{"nothing", []look{{nil, nil, nil, []Process{}}}},
		{"no globs, no matches", []look{{[]Process{vi}, nil, nil, []Process{}}}},
		{"comes, stays, goes, comes back", []look{
			hasVi,
			{[]Process{vi}, []string{"vi*"}, nil, []Process{vi}},
			{nil, []string{"vi*"}, []Event{gone(1, "vi", "vi*")}, []Process{}},
			hasVi,
		}},
		{"sorted by PID", []look{
			{[]Process{emacs, vi}, []string{"*"}, []Event{came(1, "vi", "*"), came(2, "emacs", "*")}, []Process{vi, emacs}},
		}},
		{"the first of several globs", []look{
			{[]Process{vi}, []string{"x", "v?", "vi"}, []Event{came(1, "vi", "v?")}, []Process{vi}},
		}},
		{"a glob is added", []look{
			hasVi,
			{[]Process{vi, emacs}, []string{"vi*", "emacs"}, []Event{came(2, "emacs", "emacs")}, []Process{vi, emacs}},
		}},
		{"a glob is removed", []look{hasVi, {[]Process{vi}, nil, []Event{gone(1, "vi", "vi*")}, []Process{}}}},
		{"another glob, and gone by it", []look{
			hasVi,
			{[]Process{vi}, []string{"v?"}, nil, []Process{vi}},
			{nil, []string{"v?"}, []Event{gone(1, "vi", "v?")}, []Process{}},
		}},
		{"PID reused, both match", []look{
			hasVi,
			{[]Process{vim}, []string{"vi*"}, []Event{gone(1, "vi", "vi*"), came(1, "vim", "vi*")}, []Process{vim}},
		}},
		{"PID reused, the new one does not match", []look{
			hasVi,
			{[]Process{top}, []string{"vi*"}, []Event{gone(1, "vi", "vi*")}, []Process{}},
		}},
		{"one goes, a later one comes", []look{
			hasVi,
			{[]Process{emacs}, []string{"*"}, []Event{gone(1, "vi", "vi*"), came(2, "emacs", "*")}, []Process{emacs}},
		}},
		{"malformed globs match nothing", []look{
			{[]Process{vi}, []string{"vi[", "vi"}, []Event{came(1, "vi", "vi")}, []Process{vi}},
		}},
		{"a slash is a letter", []look{
			{[]Process{worker}, []string{"kworker*"}, []Event{came(9, "kworker/0:1", "kworker*")}, []Process{worker}},
			{[]Process{worker}, []string{"kworker/?:[0-9]"}, nil, []Process{worker}},
			{[]Process{worker}, []string{"kworker[^/]*"}, []Event{gone(9, "kworker/0:1", "kworker/?:[0-9]")}, []Process{}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w Watcher
			for i, look := range test.looks {
				if diff := cmp.Diff(look.events, w.Update(look.procs, look.globs)); diff != "" {
					t.Errorf("look %d: events (-want +got):\n%s", i, diff)
				}
				if diff := cmp.Diff(look.matches, w.Matches()); diff != "" {
					t.Errorf("look %d: matches (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}
