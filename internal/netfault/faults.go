package netfault

import (
	"slices"
	"sync"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// rule is one order to lose replies.
type rule struct {
	match   func(opcode wire.Opcode) bool
	once    bool
	dropped chan struct{} // closed when it happened, if once

	// Guarded by the proxy's mu.
	claimed bool // by a request whose reply is awaited, if once
	count   int  // replies dropped
}

// DropReply makes one write ambiguous: the next request whose opcode matches is
// forwarded, the server's reply to it is lost, and then the connection is cut.
// The channel is closed when that has happened. If the connection breaks before
// the reply has come, the order stands for the next matching request. Orders are
// taken up first come, first served, one a request.
//
// match is called from the connections' goroutines, several at a time.
func (p *Proxy) DropReply(match func(opcode wire.Opcode) bool) <-chan struct{} {
	r := &rule{match: match, once: true, dropped: make(chan struct{})}
	p.addRule(r)
	return r.dropped
}

// DropReplies is DropReply for every matching request until stop is called; stop
// returns how many replies were dropped. A match that counts its calls drops
// every nth.
func (p *Proxy) DropReplies(match func(opcode wire.Opcode) bool) (stop func() int) {
	r := &rule{match: match}
	p.addRule(r)
	return func() int {
		p.removeRule(r)
		p.mu.Lock()
		defer p.mu.Unlock()
		return r.count
	}
}

// HoldEvents loses every watch event until stop is called. They are not made up
// for.
func (p *Proxy) HoldEvents() (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.holds--
	})
}

func (p *Proxy) addRule(r *rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, r)
}

func (p *Proxy) removeRule(r *rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = slices.DeleteFunc(p.rules, func(other *rule) bool { return other == r })
}

// claim returns the rule that a request falls under, or nil. No lock is held
// while the rules are asked.
func (p *Proxy) claim(opcode wire.Opcode) *rule {
	p.mu.Lock()
	rules := slices.Clone(p.rules)
	p.mu.Unlock()
	for _, r := range rules {
		if r.match(opcode) && p.take(r) {
			return r
		}
	}
	return nil
}

// take reports whether a rule was free, and claims it.
func (p *Proxy) take(r *rule) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.claimed || !slices.Contains(p.rules, r) {
		return false
	}
	r.claimed = r.once
	return true
}

// fulfilLocked says that a reply has come and is being lost.
func (p *Proxy) fulfilLocked(r *rule) {
	r.count++
	if r.once {
		p.rules = slices.DeleteFunc(p.rules, func(other *rule) bool { return other == r })
	}
}
