//go:build !unix

package main

import "syscall"

// signalNumber knows no signals: there are none that a process could catch here.
func signalNumber(string) syscall.Signal { return 0 }
