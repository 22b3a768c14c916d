package netfault

import (
	"slices"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// Session is what a server granted to a client, as seen in passing. With the id
// and the password anybody can close it.
type Session struct {
	ID       int64
	Timeout  time.Duration // as negotiated
	Password []byte
}

// Sessions are all that were granted or resumed through the proxy, each once,
// the one seen last at the end. The caller owns the slice; not the passwords.
func (p *Proxy) Sessions() []Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sessions)
}

// LastSession is the last of Sessions; false if there is none.
func (p *Proxy) LastSession() (Session, bool) {
	sessions := p.Sessions()
	if len(sessions) == 0 {
		return Session{}, false
	}
	return sessions[len(sessions)-1], true
}

// Requests is how many requests of an opcode were forwarded.
func (p *Proxy) Requests(opcode wire.Opcode) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[opcode]
}

// Connections is how many are open now, hanging ones too.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Accepted is how many connections there were so far, refused ones too.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// HeldEvents is how many watch events HoldEvents has swallowed so far.
func (p *Proxy) HeldEvents() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// noteSessionLocked files a session under its id.
func (p *Proxy) noteSessionLocked(s Session) {
	p.sessions = slices.DeleteFunc(p.sessions, func(old Session) bool { return old.ID == s.ID })
	p.sessions = append(p.sessions, s)
}
