package main

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// sendSignal sends a signal to the process whose number is in a file.
func sendSignal(pidFile string, signal syscall.Signal) error {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 { // the others are groups, and the system's first process
		return errors.New("the file does not hold the number of a process")
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return process.Signal(signal)
}
