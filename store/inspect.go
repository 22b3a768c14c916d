package store

import (
	"context"
	"time"
)

// Inspector is a Store that can describe how it keeps a document, for people who look for
// what is wrong with it.
type Inspector interface {
	// Inspect describes what the backend keeps of the document at path, which need not
	// exist, and what is odd about that. It changes nothing and needs permission to read
	// only. What may not be read is described as far as possible, and fails nothing else.
	//
	// What is the same on every backend (the document itself, its listeners, the queue of its
	// writers, its journal) is not examined: the other methods tell it. Inspect blocks
	// until the backend has answered, at most until ctx ends. Errors: [ErrInvalidPath],
	// [ErrUnavailable], [ErrDenied] if the backend refuses this handle's credentials, [ErrClosed].
	Inspect(ctx context.Context, path string) (Inspection, error)
}

// Inspection is what an [Inspector] found. Its texts may be written by others, and may
// hold what steers a terminal.
type Inspection struct {
	Facts    []Fact // about the backend and this handle, in the order in which people read them
	Write    Timing // of what comes nearest to a commit and changes nothing
	Parts    []Part // what the backend keeps of the document
	Entries  int    // how many entries the document's journal has, -1 if that is not known
	Findings []Finding
}

// Fact is something that is known, or known not to be.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Timing is how long something took.
type Timing struct {
	What string        // was done, in words
	Took time.Duration // the median of several
	Err  error         // why it could not be measured; Took is zero then
}

// Part is a znode or a file that belongs to a document.
type Part struct {
	Name     string // the path of a znode or a file
	Size     int64  // of its data, in bytes
	Children int    // of a znode
	Access   string // its ACL in the syntax of ZooKeeper's command line, without the hashes of passwords; or its permissions
	Owner    string // the session of an ephemeral znode, or the user and the group of a file; "" if there is none
	Err      error  // why it could not be read; what is not known without reading it is zero
}

// Finding is something odd, and what to do about it.
type Finding struct {
	Check    string // names what was checked; stable, for programs
	Severity Severity
	About    string // the znode, file, listener or place in a queue that it is about
	Problem  string // what is odd, in words
	Advice   string // what to do, in words
	Commands []string
	In       string // the program that Commands are for: [InShell] or [InZooKeeperCLI]
	Err      error  // what a fault matches; the exit code of zkstate doctor follows from it
}

// Severity says how bad a finding is.
type Severity string

const (
	SeverityNote    Severity = "note"    // worth knowing; nothing need be done
	SeverityWarning Severity = "warning" // the document works, and something should be done
	SeverityFault   Severity = "fault"   // the document does not work, or not for this handle
)

// The programs that a finding's commands are for.
const (
	InShell        = "shell"
	InZooKeeperCLI = "zkCli.sh"
)
