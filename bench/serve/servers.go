package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zkstate/zkstate/server"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/memstore"
)

// ours is zkstate's server, on a store in memory.
type ours struct {
	store *memstore.Store // another handle than the server's
	stop  context.CancelFunc
	done  chan error
	at    store.Version
}

func startServer(l net.Listener) (fanOut, error) {
	s := memstore.New()
	versions, err := s.Commit(context.Background(), store.Create{Path: "/doc", Data: []byte(`{"n":0,"text":""}`)})
	if err != nil {
		return nil, err
	}
	srv, err := server.New(server.Config{Store: s.Attach(), Rate: 1e6, Burst: 1e6})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := &ours{store: s, stop: cancel, done: make(chan error, 1), at: versions[0]}
	go func() { o.done <- srv.Serve(ctx, l) }()
	return o, nil
}

func (o *ours) request() string { return requestOf("/v1/events/doc") }

func requestOf(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n" }

// textOf is as long as it has to be, and another one each time.
func textOf(n, size int) string { return strings.Repeat(string('a'+rune(n%26)), size) }

func (o *ours) change(ctx context.Context, n, size int) (string, error) {
	versions, err := o.store.Commit(ctx, store.Put{Path: "/doc", Base: o.at, Data: fmt.Appendf(nil, `{"n":%d,"text":%q}`, n, textOf(n, size))})
	if err != nil {
		return "", err
	}
	o.at = versions[0]
	return o.at.String(), nil
}

func (o *ours) close() error {
	o.stop()
	err := <-o.done
	o.store.Close()
	return err
}

// bare is the least that sends events to many: each has a channel.
type bare struct {
	srv  *http.Server
	done chan error

	mu      sync.Mutex // guards clients
	clients map[chan []byte]bool
}

func startBare(l net.Listener) (fanOut, error) {
	b := &bare{clients: make(map[chan []byte]bool), done: make(chan error, 1)}
	b.srv = &http.Server{Handler: b}
	go func() { b.done <- b.srv.Serve(l) }()
	return b, nil
}

func (b *bare) request() string { return requestOf("/") }

// ServeHTTP implements http.Handler.
func (b *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	events := make(chan []byte, 16)
	b.mu.Lock()
	b.clients[events] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.clients, events)
	}()
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	for event := []byte("event: document\nid: 0\ndata: 0\n\n"); ; {
		_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := w.Write(event); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		select {
		case event = <-events:
		case <-r.Context().Done():
			return
		}
	}
}

// change broadcasts what our server would. Who does not keep up misses it.
func (b *bare) change(_ context.Context, n, size int) (string, error) {
	id := strconv.Itoa(n)
	event := fmt.Appendf(nil, "event: changes\nid: %s\ndata: {\"changes\":[{\"new\":%d},{\"old\":%q,\"new\":%q}]}\n\n", id, n, textOf(n-1, size), textOf(n, size))
	b.mu.Lock()
	defer b.mu.Unlock()
	for events := range b.clients {
		select {
		case events <- event:
		default:
		}
	}
	return id, nil
}

func (b *bare) close() error {
	err := b.srv.Close()
	<-b.done
	return err
}
