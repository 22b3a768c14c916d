package zkserver

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"time"
)

// tailLength is how much of a log goes into an error.
const tailLength = 8 << 10

// Addr is where clients connect. It stays the same.
func (s *Server) Addr() string { return s.seat.client }

// SecureAddr is where clients connect by TLS, if Config.TLS was given. It stays
// the same.
func (s *Server) SecureAddr() string { return s.seat.secure }

// PID is the process id, 0 while there is no process.
func (s *Server) PID() int {
	if p := s.running(); p != nil {
		return p.child.Pid
	}
	return 0
}

// Role asks the server, for up to a second.
func (s *Server) Role() Role {
	answer, err := askStatus(context.Background(), s.Addr())
	if err != nil {
		return NotServing
	}
	return answer.role
}

// Version is what the server says it is, empty while it does not serve.
func (s *Server) Version() string {
	answer, err := askStatus(context.Background(), s.Addr())
	if err != nil {
		return ""
	}
	return answer.version
}

// LogTail is the end of what the server has printed.
func (s *Server) LogTail() string { return string(s.readLog(-tailLength)) }

// sawClash reports whether the current run complained about a port in use.
func (s *Server) sawClash() bool {
	s.mu.Lock()
	start := s.logStart
	s.mu.Unlock()
	log := s.readLog(start)
	return bytes.Contains(log, []byte("Address already in use")) || bytes.Contains(log, []byte("BindException"))
}

// hasLoaded reports whether the current run has its data, as far as its log tells: since 3.6
// the first line does, before that one of the others.
func (s *Server) hasLoaded() bool {
	s.mu.Lock()
	start, launched := s.logStart, s.launched
	s.mu.Unlock()
	log := s.readLog(start)
	for _, line := range []string{"Snapshot loaded in", "Snapshotting: ", "Reading snapshot "} {
		if bytes.Contains(log, []byte(line)) {
			return true
		}
	}
	return time.Since(launched) > silentStart
}

// readLog reads from an offset, from the end if it is negative.
func (s *Server) readLog(from int64) []byte {
	f, err := os.Open(s.logPath())
	if err != nil {
		return []byte(err.Error())
	}
	defer f.Close()
	if info, err := f.Stat(); from < 0 && err == nil {
		from = max(0, info.Size()+from)
	}
	log, _ := io.ReadAll(io.NewSectionReader(f, from, 1<<30))
	return log
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }
func (s *Server) dataDir() string { return filepath.Join(s.dir, "data") }
