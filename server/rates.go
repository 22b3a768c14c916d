package server

import (
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/zkstate/zkstate/internal/exitcode"
)

// maxClients bounds of how many clients the rate is remembered.
const maxClients = 4096

// rates bounds how many requests each client makes.
type rates struct {
	limit rate.Limit
	burst int

	mu      sync.Mutex // guards clients
	clients map[string]*rate.Limiter
}

func newRates(perSecond float64, burst int) *rates {
	return &rates{limit: rate.Limit(perSecond), burst: burst, clients: make(map[string]*rate.Limiter)}
}

// admit refuses a request of a client that makes too many. A client is known by its name, or
// else by its address.
func (l *rates) admit(r *http.Request, who client) error {
	key := "name " + who.name
	if who.name == "" {
		address, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			address = r.RemoteAddr
		}
		key = "address " + address
	}
	if !l.of(key, time.Now()).Allow() {
		return refuse(http.StatusTooManyRequests, exitcode.Busy, "too many requests: try again in a second")
	}
	return nil
}

func (l *rates) of(key string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.clients[key]
	if p == nil {
		if len(l.clients) >= maxClients {
			l.sweep(now)
		}
		p = rate.NewLimiter(l.limit, l.burst)
		l.clients[key] = p
	}
	return p
}

// sweep forgets clients that have their whole burst again, or any if that is not enough. mu
// is held.
func (l *rates) sweep(now time.Time) {
	for key, p := range l.clients {
		if p.TokensAt(now) >= float64(l.burst) {
			delete(l.clients, key)
		}
	}
	for key := range l.clients {
		if len(l.clients) < maxClients {
			return
		}
		delete(l.clients, key)
	}
}
