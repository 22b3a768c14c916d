package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkstate/zkstate/bench/figures"
)

// fanOut is a server of events.
type fanOut interface {
	// request is what a client sends to get them.
	request() string
	// change makes a change of so many bytes, and returns the id of its event.
	change(ctx context.Context, n, size int) (string, error)
	close() error
}

// result is what a round shows.
type result struct {
	median float64 // ms until all have a change
	heap   uint64  // bytes more than before the round
}

// measure connects the clients, makes changes, and notes how soon all clients have each.
func (c cell) measure(ctx context.Context, changes int, start func(l net.Listener) (fanOut, error)) (_ result, err error) {
	before := heap()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return result{}, err
	}
	f, err := start(l)
	if err != nil {
		return result{}, err
	}
	var clients audience
	defer func() {
		clients.close()
		if closing := f.close(); err == nil {
			err = closing
		}
	}()
	for n := range c.clients + c.stalled {
		if err := clients.connect(l.Addr().String(), f.request(), n < c.clients); err != nil {
			return result{}, err
		}
	}
	took := make([]time.Duration, changes)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := range took {
		<-tick.C
		sent := time.Now()
		id, err := f.change(ctx, n+1, c.bytes)
		if err != nil {
			return result{}, err
		}
		if err := clients.await(ctx, id, c.clients); err != nil {
			return result{}, err
		}
		took[n] = time.Since(sent)
	}
	return result{figures.Median(took).Seconds() * 1e3, max(heap(), before) - before}, nil
}

// audience are the clients of a round.
type audience struct {
	conns   []net.Conn
	readers sync.WaitGroup
	seen    sync.Map // how many have an event, by its id
}

// count is how many clients have an event.
type count struct {
	atomic.Int64
	last chan struct{} // signals every one
}

func (c *audience) of(id string) *count {
	found, ok := c.seen.Load(id)
	if !ok {
		found, _ = c.seen.LoadOrStore(id, &count{last: make(chan struct{}, 1)})
	}
	return found.(*count)
}

// connect opens a stream and returns when its first event is there. With reads it goes on
// reading.
func (c *audience) connect(addr, request string, reads bool) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	c.conns = append(c.conns, conn)
	if _, err := conn.Write([]byte(request)); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(conn, 4096)
	if _, err := nextID(lines); err != nil {
		return fmt.Errorf("a client's first event: %w", err)
	}
	if reads {
		c.readers.Go(func() {
			for {
				id, err := nextID(lines)
				if err != nil {
					return // the round is over
				}
				n := c.of(id)
				n.Add(1)
				select {
				case n.last <- struct{}{}:
				default:
				}
			}
		})
	}
	return nil
}

// nextID passes over all lines up to one that is behind that of an id: then the event is there.
func nextID(lines *bufio.Reader) (id string, err error) {
	for {
		line, err := lines.ReadSlice('\n')
		whole := err == nil
		if err != nil && err != bufio.ErrBufferFull {
			return "", err
		}
		if found, ok := bytes.CutPrefix(line, []byte("id: ")); ok && whole {
			id = string(bytes.TrimSpace(found))
		}
		if bytes.HasPrefix(line, []byte("data: ")) && id != "" {
			for ; err == bufio.ErrBufferFull; _, err = lines.ReadSlice('\n') {
			}
			return id, nil
		}
	}
}

// await waits until so many clients have an event.
func (c *audience) await(ctx context.Context, id string, clients int) error {
	n := c.of(id)
	for late := time.After(30 * time.Second); n.Load() < int64(clients); {
		select {
		case <-n.last:
		case <-late:
			return fmt.Errorf("%d of %d clients have the event %s", n.Load(), clients, id)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.seen.Delete(id)
	return nil
}

func (c *audience) close() {
	for _, conn := range c.conns {
		conn.Close()
	}
	c.readers.Wait()
}
