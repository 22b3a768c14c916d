package zk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/zkstate/zkstate/internal/guardedlog"
)

// Defaults of [Config].
const (
	DefaultSessionTimeout = 10 * time.Second
	DefaultMaxRequest     = 1<<20 - 1 // jute.maxbuffer of a server that was not told otherwise
	DefaultMaxReply       = 4 << 20
)

// Config says how to reach the servers and who asks. All but Servers may be left zero.
type Config struct {
	// Servers names the servers. They are tried in a random order.
	Servers Servers

	// SessionTimeout is asked for; the servers bound it, see [Session.Timeout].
	// Zero is DefaultSessionTimeout.
	SessionTimeout time.Duration

	// TLS, if not nil, is called for each new connection with the host under which Servers lists the server, and
	// says how to secure it; see [TLSFiles].
	TLS func(host string) (*tls.Config, error)

	// SASL, if not nil, begins an exchange on each new connection to the server of that host name.
	// A connection on which the exchange fails carries no request.
	SASL func(host string) (Mechanism, error)

	// Auth is shown on each new connection before any request. A connection on which a server refuses one of
	// them carries no request.
	Auth []Auth

	// Resolver looks up the addresses of a server each time that its turn comes; all of them are tried. Nil is
	// net.DefaultResolver, but if there is a Dial names are left to that.
	Resolver Resolver

	// Dial opens a connection to an address or, without a Resolver, to host:port. It returns soon after ctx has ended.
	// As on TCP, a write of 4 KB must not block where the server has read all before it. Nil is that of a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// MaxRequest bounds a request in bytes, as jute.maxbuffer does on the server: a longer one is not sent.
	// Zero is DefaultMaxRequest.
	MaxRequest int

	// MaxReply bounds a reply in bytes: a longer one is read past, and its request fails with ErrTooLarge.
	// Zero is DefaultMaxReply.
	MaxReply int

	// OnEvent is told of connections, sessions and watches, one event after another, in the order in which they
	// came. It is called by the goroutine that reads replies: it must not block, and neither make calls that wait
	// for a reply, nor Close.
	OnEvent func(Event)

	// Logger is told what an operator wants to know. By default nothing is logged.
	Logger *slog.Logger
}

// Servers says where the servers are.
type Servers interface {
	// Endpoints returns host:port of each server. It is called before each round of connection attempts,
	// so it may look a name up; it blocks until that is done or ctx ends.
	Endpoints(ctx context.Context) ([]string, error)
}

// Hosts is a fixed list of host:port. The names are resolved whenever their turn comes.
type Hosts []string

// Endpoints returns the list.
func (h Hosts) Endpoints(context.Context) ([]string, error) { return h, nil }

// Auth is what a client shows of itself, such as {"digest", "user:password"}.
type Auth struct {
	Scheme      string
	Credentials []byte
}

// Mechanism is the client's side of one SASL exchange. It is used by one goroutine at a time.
type Mechanism interface {
	// Next returns the response to a server's challenge. The first call has a nil challenge, the others have not;
	// a server that offers no SASL answers with an empty one. With done the exchange has succeeded and the
	// response is not sent. An error ends the connection.
	Next(challenge []byte) (response []byte, done bool, err error)
}

// complete returns a copy with the defaults filled in, or an error that says what is wrong.
func (cfg Config) complete() (Config, error) {
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = DefaultSessionTimeout
	}
	if cfg.MaxRequest == 0 {
		cfg.MaxRequest = DefaultMaxRequest
	}
	if cfg.MaxReply == 0 {
		cfg.MaxReply = DefaultMaxReply
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
		if cfg.Resolver == nil {
			cfg.Resolver = net.DefaultResolver
		}
	}
	if cfg.OnEvent == nil {
		cfg.OnEvent = func(Event) {}
	}
	cfg.Logger = guardedlog.Of(cfg.Logger)
	switch hosts, ok := cfg.Servers.(Hosts); {
	case cfg.Servers == nil, ok && len(hosts) == 0:
		return cfg, errors.New("zk: no servers are given")
	case cfg.SessionTimeout < time.Millisecond, cfg.SessionTimeout.Milliseconds() > math.MaxInt32:
		return cfg, fmt.Errorf("zk: a session timeout of %v is not possible", cfg.SessionTimeout)
	case cfg.MaxRequest < 0, cfg.MaxRequest > math.MaxInt32, cfg.MaxReply < 0, cfg.MaxReply > math.MaxInt32:
		return cfg, errors.New("zk: a size limit is out of range")
	}
	return cfg, nil
}
