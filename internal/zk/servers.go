package zk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Pauses between rounds of attempts.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second // also what a connection has to last for not to be brief
)

// target is one address of a server.
type target struct {
	server  string // host:port as Config.Servers has it; its certificate is verified by this host
	address string // what is dialled
}

func (t target) String() string {
	switch {
	case t.server == "":
		return "the list of servers"
	case t.address == "" || t.address == t.server:
		return t.server
	default:
		return t.server + " (" + t.address + ")"
	}
}

func (t target) host() string {
	host, _, err := net.SplitHostPort(t.server)
	if err != nil {
		return t.server
	}
	return host
}

// rotation chooses whom to try next. A round is one attempt at each address of each server.
type rotation struct {
	servers   []string // of this round, still to be tried
	addresses []target // of one server, still to be tried
	used      target   // of the last connection; it comes last
	round     int      // rounds that have failed since the last useful connection
	brief     int      // useful connections in a row that ended soon
}

// advance returns the next address. It looks the servers up at the beginning of a round, and the addresses of each
// when its turn comes. Those that were learned come behind the others. The target of an error has what could not be
// looked up.
func (r *rotation) advance(ctx context.Context, cfg *Config, learned []string) (target, error) {
	if r.over() {
		found, err := cfg.Servers.Endpoints(ctx)
		if err == nil && len(found) == 0 {
			err = errors.New("there are none")
		}
		if err != nil && len(learned) == 0 {
			return target{}, err
		}
		learned = slices.DeleteFunc(slices.Clone(learned), func(server string) bool { return slices.Contains(found, server) })
		r.servers = moveLast(append(shuffled(found), shuffled(learned)...), r.used.server)
	}
	if len(r.addresses) == 0 {
		server := r.servers[0]
		r.servers = r.servers[1:]
		addresses, err := cfg.addresses(ctx, server)
		if err != nil {
			return target{server: server}, err
		}
		for _, address := range moveLast(shuffled(addresses), r.used.address) {
			r.addresses = append(r.addresses, target{server, address})
		}
	}
	next := r.addresses[0]
	r.addresses = r.addresses[1:]
	return next, nil
}

// shuffled returns the list in a random order.
func shuffled(list []string) []string {
	list = slices.Clone(list)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// moveLast moves one of the list to its end, if it is there.
func moveLast(list []string, last string) []string {
	if i := slices.Index(list, last); i >= 0 {
		list = append(slices.Delete(list, i, i+1), last)
	}
	return list
}

// over reports whether the round has no more to try.
func (r *rotation) over() bool { return len(r.servers)+len(r.addresses) == 0 }

// failed notes that an attempt did not succeed, and reports whether it was the round's last.
func (r *rotation) failed() bool {
	if !r.over() {
		return false
	}
	r.round++
	return true
}

// succeeded begins with a first round again, in which what was used comes last: of those that may hang each costs its
// time once, while the session lives.
func (r *rotation) succeeded(used target, lasted time.Duration) {
	brief := 0
	if lasted < maxPause {
		brief = r.brief + 1
	}
	*r = rotation{used: used, brief: brief}
}

// pause is how long to wait before the next attempt. After one brief connection there is none yet.
func (r *rotation) pause() time.Duration {
	failed := max(r.round, r.brief-1)
	if failed <= 0 || !r.over() {
		return 0
	}
	pause := min(firstPause<<min(failed-1, 10), maxPause)
	return pause/2 + rand.N(pause)
}

// patience bounds an attempt: a sixth of the session timeout, so that two hung servers cost a third of it, and twice as
// much with each round that failed, up to all of it, so that slow servers are reached.
func (r *rotation) patience(timeout time.Duration) time.Duration {
	return min(timeout/6<<min(r.round, 10), timeout)
}

// failures is why the servers could not be used, the newest reason of each.
type failures struct {
	mu      sync.Mutex // guards all below
	servers []string   // in the order of their first failure
	reasons map[string]error
}

func (f *failures) add(server string, reason error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reasons == nil {
		f.reasons = make(map[string]error)
	}
	if _, known := f.reasons[server]; !known {
		f.servers = append(f.servers, server)
	}
	f.reasons[server] = reason
}

func (f *failures) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers, f.reasons = nil, nil
}

// err returns an error that matches ErrUnreachable and every reason.
func (f *failures) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := &unreachableError{}
	for _, server := range f.servers {
		e.servers = append(e.servers, server)
		e.reasons = append(e.reasons, f.reasons[server])
	}
	return e
}

type unreachableError struct {
	servers []string
	reasons []error
}

func (e *unreachableError) Error() string {
	if len(e.servers) == 0 {
		return ErrUnreachable.Error() + " so far"
	}
	var b strings.Builder
	b.WriteString(ErrUnreachable.Error())
	for i, server := range e.servers {
		fmt.Fprintf(&b, "; %s: %v", server, e.reasons[i])
	}
	return b.String()
}

func (e *unreachableError) Unwrap() []error { return append([]error{ErrUnreachable}, e.reasons...) }
