package zkstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// maxCalls bounds the goroutines that wait in the client, which knows no
	// contexts: a caller may leave, its goroutine stays until the client answers.
	maxCalls = 256
	// closeStep bounds each of the two steps of closing.
	closeStep = time.Second
)

// client is one instance of the client library, with what contains it. If it gets
// stuck for good it is replaced by another one.
type client struct {
	*zk.Conn
	events <-chan zk.Event // closed by the library when its goroutines are gone
	hosts  *hosts
	dialer *dialer
	ready  chan struct{} // closed once it has shown its credentials
	slots  chan struct{}
	gone   chan struct{} // closed when it is given up: what waits for it does not any more

	mu      sync.Mutex // guards all below
	calls   map[*time.Time]struct{}
	refused error // the credentials were
}

// newClient starts an instance and returns without waiting for a server.
func (c *conn) newClient() (*client, error) {
	k := &client{
		hosts: &hosts{}, dialer: newDialer(c.session0, c.armed),
		ready: make(chan struct{}), slots: make(chan struct{}, maxCalls), gone: make(chan struct{}), calls: make(map[*time.Time]struct{}),
	}
	var err error
	k.Conn, k.events, err = zk.Connect(c.servers, c.session0,
		zk.WithHostProvider(k.hosts),
		zk.WithDialer(k.dialer.dial),
		zk.WithEventCallback(func(event zk.Event) {
			if event.Type == zk.EventSession && event.State == zk.StateExpired {
				k.hosts.stay()
			}
			c.onEvent(event)
		}),
		zk.WithMaxBufferSize(maxReply),
		zk.WithLogger(clientLog{c.logger}),
	)
	if err != nil {
		return nil, err
	}
	go k.authenticate(c.ctx, c.auth)
	return k, nil
}

// authenticate shows the credentials, before anything else is asked. From then on
// the library shows them again on every new connection.
func (k *client) authenticate(ctx context.Context, auth []Auth) {
	defer close(k.ready)
	for _, a := range auth {
		for ctx.Err() == nil {
			done := k.begin()
			err := k.AddAuth(a.Scheme, []byte(a.Secret))
			done()
			if err == nil {
				break
			}
			select {
			case <-k.gone:
				return
			default:
			}
			if errors.Is(err, zk.ErrAuthFailed) {
				k.mu.Lock()
				k.refused = fmt.Errorf("credentials of scheme %s: %w", a.Scheme, err)
				k.mu.Unlock()
				return
			}
			pause(ctx, inquiryPause)
		}
	}
}

// begin notes that the library is at work on a call; done that it has answered.
func (k *client) begin() (done func()) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls[&now] = struct{}{}
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.calls, &now)
	}
}

// oldest is how long the library has been at work on a call.
func (k *client) oldest() (age time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for began := range k.calls {
		age = max(age, time.Since(*began))
	}
	return age
}

func (k *client) denied() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused
}

// abandon gives the instance up: nothing of it goes out any more, and nobody waits
// for it. It is still to be closed, which takes seconds if it is stuck, and leaves a
// goroutine of the library behind for ever.
func (k *client) abandon() {
	close(k.gone)
	k.hosts.stop()
	k.dialer.stop()
}

// shut ends the instance, and its session, within two seconds, whatever the server
// does.
func (k *client) shut() {
	k.hosts.stop()
	done := make(chan struct{})
	go func() {
		k.Close()
		close(done)
	}()
	await(done, closeStep)
	k.dialer.stop()
	gone := make(chan struct{})
	go func() {
		for range k.events {
		}
		close(gone)
	}()
	await(gone, closeStep)
}

func await(done <-chan struct{}, bound time.Duration) {
	timer := time.NewTimer(bound)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// clientLog passes the library's chatter on, for debugging only.
type clientLog struct{ logger *slog.Logger }

// Printf implements zk.Logger.
func (l clientLog) Printf(format string, args ...any) {
	l.logger.Debug("zookeeper client: " + fmt.Sprintf(format, args...))
}
