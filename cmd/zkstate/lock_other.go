//go:build !linux

package main

import "os/exec"

// dieWithParent has no counterpart here: if this program is killed, its command goes
// on without the lock.
func dieWithParent(*exec.Cmd) {}
