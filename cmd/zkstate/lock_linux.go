package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel send the command SIGTERM when the thread that
// started it ends: if this program is killed, the lock is gone, and the command must
// not go on without it.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
