package netfault

import (
	"slices"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// verdict is what becomes of a chunk.
type verdict int

const (
	forward verdict = iota
	swallow
	lose // and cut the link
)

// judgeRequest decides on what a client sends.
func (l *link) judgeRequest(c chunk, first bool) verdict {
	var header wire.RequestHeader
	var request bool
	if c.framed && !first {
		header, request = parseRequest(c.body())
	}
	var r *rule
	if request && !l.doomed() {
		r = l.p.claim(header.Opcode)
	}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if r != nil {
		l.dropping, l.xid = r, header.Xid
	}
	if l.lostLocked() {
		return swallow
	}
	if request {
		l.p.requests[header.Opcode]++
	}
	return forward
}

// judgeReply decides on what a server sends.
func (l *link) judgeReply(c chunk, first bool) verdict {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if l.lostLocked() {
		return swallow
	}
	if !c.framed {
		return forward
	}
	if first {
		if s, ok := parseConnected(c.body()); ok {
			l.p.noteSessionLocked(s)
		}
		return forward
	}
	header, ok := parseReply(c.body())
	switch {
	case !ok:
	case header.Xid == wire.XidEvent && l.p.holds > 0:
		l.p.held++
		return swallow
	case l.dropping != nil && header.Xid == l.xid && slices.Contains(l.p.rules, l.dropping):
		l.lost = l.dropping
		l.p.fulfilLocked(l.lost)
		return lose
	}
	return forward
}

// doomed reports whether the link waits for a reply to lose, or has lost it.
func (l *link) doomed() bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.lost != nil || l.dropping != nil && slices.Contains(l.p.rules, l.dropping)
}

// lostLocked reports whether a chunk falls into the Blackhole, and marks the
// link: from then on it is out of step.
func (l *link) lostLocked() bool {
	if l.p.mode == Blackhole {
		l.lossy = true
	}
	return l.lossy
}
