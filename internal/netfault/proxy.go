// Package netfault puts a faulty network between a client and a server: an
// in-process TCP proxy that cuts, refuses, swallows, holds and delays, and that
// knows enough of ZooKeeper's framing to lose one chosen reply or watch event.
package netfault

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// Mode is what a proxy does with connections and with what they carry.
type Mode int

const (
	// Pass forwards.
	Pass Mode = iota
	// Refuse accepts and closes at once, and closes what is open.
	Refuse
	// Blackhole accepts, swallows and says nothing; open connections hang, and
	// neither end learns that the other has closed. A connection on which
	// something was lost, or that was accepted meanwhile, is cut on leaving the
	// mode.
	Blackhole
	// Hold lets nothing cross, and on leaving the mode delivers all of it, late:
	// a partition that heals before TCP gives up.
	Hold
)

// Proxy forwards connections to one target. All methods are safe for concurrent
// use, and none blocks but Close.
type Proxy struct {
	target string
	raw    bool          // no frames
	back   func() string // see NewElection; nil for all others
	ln     net.Listener
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup // the accept loop and one for each connection

	mu       sync.Mutex // guards all below
	mode     Mode
	changed  chan struct{} // closed and replaced when the mode changes
	toServer time.Duration
	toClient time.Duration
	links    map[*link]struct{} // the open ones
	accepted int
	rules    []*rule // in the order in which they were given
	holds    int     // how many HoldEvents are in force
	held     int
	requests map[wire.Opcode]int // by opcode
	sessions []Session           // the last seen last
}

// New starts a proxy on a free loopback port that forwards to target's ZooKeeper
// client port. What is not framed as ZooKeeper's clients do it (TLS, four-letter
// words) passes as bytes, to which only modes, cuts and delays apply.
func New(target string) (*Proxy, error) { return start(target, &Proxy{}) }

// NewRaw is New for any other protocol, such as ZooKeeper's peer ports: it never
// looks for frames. Connections wait up to a second for a target that does not
// listen.
func NewRaw(target string) (*Proxy, error) { return start(target, &Proxy{raw: true}) }

func start(target string, p *Proxy) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("netfault: %w", err)
	}
	p.target, p.ln = target, ln
	p.changed = make(chan struct{})
	p.links = make(map[*link]struct{})
	p.requests = make(map[wire.Opcode]int)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.tasks.Go(p.accept)
	return p, nil
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// SetMode changes the mode, for open connections too.
func (p *Proxy) SetMode(mode Mode) {
	p.mu.Lock()
	was := p.mode
	p.mode = mode
	close(p.changed)
	p.changed = make(chan struct{})
	var doomed []*link
	for l := range p.links {
		if mode == Refuse || was == Blackhole && mode != Blackhole && l.lossy {
			doomed = append(doomed, l)
		}
	}
	p.mu.Unlock()
	for _, l := range doomed {
		l.cut()
	}
}

// Cut closes the connections that are open now. New ones are accepted.
func (p *Proxy) Cut() {
	for _, l := range p.open() {
		l.cut()
	}
}

// Delay makes everything that arrives from now on take that much longer in each
// direction. It adds latency only: frames in flight do not wait for each other.
func (p *Proxy) Delay(toServer, toClient time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toServer, p.toClient = toServer, toClient
}

// Close stops listening, cuts all connections and waits for every goroutine.
// Channels given by DropReply stay open if their reply was never dropped.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.ln.Close()
	p.Cut()
	p.tasks.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.ln.Accept()
		if p.ctx.Err() != nil {
			if err == nil {
				client.Close()
			}
			return
		}
		if err != nil {
			// Out of descriptors, or reset before it was accepted.
			select {
			case <-time.After(5 * time.Millisecond):
			case <-p.ctx.Done():
			}
			continue
		}
		if l := p.admit(client); l != nil {
			p.tasks.Go(l.run)
		} else {
			client.Close()
		}
	}
}

// admit registers a connection, or returns nil if it is refused.
func (p *Proxy) admit(client net.Conn) *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted++
	if p.mode == Refuse || p.ctx.Err() != nil {
		return nil
	}
	l := newLink(p, client)
	l.lossy = p.mode == Blackhole
	p.links[l] = struct{}{}
	return l
}

// forget is admit's opposite.
func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	if r := l.dropping; r != nil && r.once {
		// The reply did not come: the rule waits for another request.
		r.claimed = false
	}
}

func (p *Proxy) open() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	open := make([]*link, 0, len(p.links))
	for l := range p.links {
		open = append(open, l)
	}
	return open
}

// awaitNot returns the mode once it is not the given one, or false if the link
// was cut first.
func (p *Proxy) awaitNot(mode Mode, l *link) (Mode, bool) {
	for {
		p.mu.Lock()
		now, changed := p.mode, p.changed
		p.mu.Unlock()
		if now != mode {
			return now, true
		}
		select {
		case <-changed:
		case <-l.ctx.Done():
			return now, false
		}
	}
}
