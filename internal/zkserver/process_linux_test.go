package zkserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// gone reports whether a process has ended, waited for or not.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

func TestChildDiesWithParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"=1")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	_, scanErr := fmt.Fscan(stdout, &child)
	alive := child != 0 && !gone(child)
	parent.Process.Kill()
	parent.Wait()
	if scanErr != nil || !alive {
		t.Fatalf("child %d lived: %t, %v", child, alive, scanErr)
	}
	eventually(t, "the child of a killed parent has ended", func() bool { return gone(child) })
}

// TestChildOutlivesThreads starts children while threads come and go: none may
// take its child along.
func TestChildOutlivesThreads(t *testing.T) {
	p := make(chan *process, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		child, err := startProcess(exec.Command("sleep", "600"))
		if err != nil {
			t.Error(err)
		}
		p <- child
	}()
	child := <-p
	if child == nil {
		return
	}
	for range 20 {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runtime.LockOSThread()
		}()
		<-ended
	}
	if !child.running() {
		t.Error("the child has ended")
	}
	child.kill()
	if child.running() || !gone(child.child.Pid) {
		t.Error("the child is left")
	}
}

func TestNoProcessLeft(t *testing.T) {
	var pid int
	t.Run("with a server", func(t *testing.T) { pid = Standalone(t).PID() })
	if pid != 0 && !gone(pid) {
		t.Errorf("process %d is left", pid)
	}
}
