// Package procwatch watches the processes of this host against a list of globs
// that may change at any time. It is what the procwatch example and the agents of
// "zkstate demo" have in common; it knows nothing of how the list is shared.
package procwatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/shirou/gopsutil/v4/process"
)

// Process is a running process as one look saw it.
type Process struct {
	PID  int32
	Name string
}

// A Lister returns the running processes, each PID once. [List] is the real one.
type Lister func(ctx context.Context) ([]Process, error)

// List returns the processes of this host with their names, sorted by PID.
// A process that ends during the call, or whose name this user may not see, is
// left out. The error is ctx's if ctx ended, else says why the host's processes
// cannot be listed at all; the list is then nil. It blocks for as long as the
// system takes, typically some milliseconds, and may be called concurrently.
func List(ctx context.Context) ([]Process, error) {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	procs := make([]Process, 0, len(pids))
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("listing processes: %w", err)
		}
		// Not process.NewProcess: it asks the system twice more per process
		// for what is not needed here.
		p := process.Process{Pid: pid}
		name, err := p.NameWithContext(ctx)
		if err != nil || name == "" {
			continue
		}
		procs = append(procs, Process{PID: pid, Name: name})
	}
	slices.SortFunc(procs, byPID)
	return procs, nil
}

func byPID(a, b Process) int { return cmp.Compare(a.PID, b.PID) }
