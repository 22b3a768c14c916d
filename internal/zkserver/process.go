package zkserver

import (
	"os"
	"os/exec"
	"runtime"
	"time"
)

// process is a child that runs or has run.
type process struct {
	child  *os.Process
	exited chan struct{} // closed once it has been waited for
}

// startProcess starts a child that dies with this process.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = procAttr()
	p := &process{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends the parent-death signal when the thread that
		// forked ends, not the process: keep it for the child's lifetime.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.child = cmd.Process
		started <- err
		if err != nil {
			return
		}
		cmd.Wait() // a server is always ended by a signal: its status says nothing
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends a child at once, a paused one too, and waits for its end.
func (p *process) kill() {
	p.child.Kill() // fails only if it has ended
	<-p.exited
}

// stop asks a child to end, and kills it if it has not within the grace.
func (p *process) stop(grace time.Duration) {
	if terminate(p.child) == nil {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.exited:
			return
		case <-timer.C:
		}
	}
	p.kill()
}
