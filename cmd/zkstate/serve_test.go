package main

import (
	"testing"

	"github.com/zkstate/zkstate/internal/exitcode"
	"github.com/zkstate/zkstate/server"
)

// TestEveryErrorHasItsProblemType: what a command says with its exit code, the server says
// with a type, one for each code.
func TestEveryErrorHasItsProblemType(t *testing.T) {
	codes := map[int]bool{exitcode.Other: true, exitcode.Usage: true}
	for _, exit := range exits {
		codes[exit.code] = true
	}
	for _, kind := range exitcode.Table {
		if code, match := classify(kind.Err); code != kind.Code || match != kind.Err {
			t.Errorf("%v: exit code %d, want %d", kind.Err, code, kind.Code)
		}
		codes[kind.Code] = true
	}
	types := make(map[string]int)
	for code := range codes {
		problem := server.ProblemType(code)
		if other, taken := types[problem]; taken || problem == "" {
			t.Errorf("the exit code %d has the problem type %q, which is that of %d", code, problem, other)
		}
		types[problem] = code
	}
}
