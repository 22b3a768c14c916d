//go:build !linux

package zkserver

import "syscall"

// procAttr is empty: elsewhere a child outlives a test that is killed.
func procAttr() *syscall.SysProcAttr { return nil }

// stopped trusts that a signal takes effect when it is sent.
func stopped(int) bool { return true }
