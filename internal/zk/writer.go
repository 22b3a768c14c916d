package zk

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// batchSize is about how many bytes go out in one write at most.
const batchSize = 256 << 10

// writer is the writing half of a connection. Its goroutine sends what is queued; a caller that finds nobody else sends
// its call by itself.
type writer struct {
	conn *conn

	mu     sync.Mutex // held from the choice of what is sent until it is written; guards all below
	xid    int32
	batch  []*call
	slots  []slot
	out    []byte
	sentAt time.Time
}

// run sends what is queued in the session, all that waits in one write, and pings, until the connection ends or the
// session is to be closed. No caller sends any more then.
func (w *writer) run() {
	idle := w.conn.session.Timeout() / 6
	tick := time.NewTicker(idle) // a ping goes out after idle at least, and twice that at most
	defer tick.Stop()
	for w.sendQueued() {
		select {
		case <-w.conn.ended:
		case <-w.conn.session.wake:
			runtime.Gosched() // callers that are about to queue something come first, and go out in the same write
		case now := <-tick.C:
			w.ping(now, idle)
		}
	}
}

// sendQueued sends until nothing is due, and reports whether the connection goes on after that.
func (w *writer) sendQueued() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.conn.reason() == nil {
		var closing bool
		w.batch, closing = w.conn.session.take(w.batch, batchSize)
		if len(w.batch) == 0 && !closing {
			return true
		}
		w.send(closing)
		if closing {
			return false
		}
	}
	return false
}

// acquire makes a caller the one who writes, until sendOne, unless there is another one or the connection has ended.
func (w *writer) acquire() bool {
	if !w.mu.TryLock() {
		return false
	}
	if w.conn.reason() == nil {
		return true
	}
	w.mu.Unlock()
	return false
}

// sendOne sends the call of the caller who acquired the writer.
func (w *writer) sendOne(c *call) {
	defer w.mu.Unlock()
	w.batch = append(w.batch[:0], c)
	w.send(false)
}

// ping sends a ping if nothing was sent for so long, and no other ping is on its way.
func (w *writer) ping(now time.Time, idle time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.sentAt) >= idle && w.conn.pinging(now) {
		w.append(wire.XidPing, wire.OpPing)
		w.flush()
	}
}

// send writes the batch, and the request to close the session if that is wanted. All is copied before the first
// reply can come: it gives the call away.
func (w *writer) send(closing bool) {
	w.sentAt = time.Now()
	for _, call := range w.batch {
		call.sentAt = w.sentAt
		w.call(call)
	}
	if closing {
		xid := w.next()
		w.slots = append(w.slots, slot{xid: xid})
		w.append(xid, wire.OpCloseSession)
	}
	w.conn.session.client.sent.Add(uint64(len(w.slots)))
	w.conn.enroll(w.slots)
	clear(w.batch)
	clear(w.slots)
	w.slots = w.slots[:0]
	w.flush()
}

// call appends a call's frames, and puts in their xids.
func (w *writer) call(c *call) {
	start := len(w.out)
	w.out = append(w.out, c.frames...)
	at := start
	for i, end := range c.ends {
		xid := w.next()
		binary.BigEndian.PutUint32(w.out[at+wire.HeadSize:], uint32(xid))
		w.slots = append(w.slots, slot{xid: xid, index: i, call: c})
		at = start + end
	}
}

// append appends a frame without a body.
func (w *writer) append(xid int32, opcode wire.Opcode) {
	start := len(w.out)
	w.out = append(w.out, make([]byte, wire.HeadSize)...)
	w.out = wire.RequestHeader{Xid: xid, Opcode: opcode}.Append(w.out)
	wire.PutHead(w.out[start:])
}

// next returns a new xid, which is positive.
func (w *writer) next() int32 {
	if w.xid == math.MaxInt32 {
		w.xid = 0
	}
	w.xid++
	return w.xid
}

func (w *writer) flush() {
	if _, err := w.conn.nc.Write(w.out); err != nil {
		w.conn.fail(fmt.Errorf("write: %w", err))
	}
	w.out = w.out[:0]
	if cap(w.out) > 4*bufferSize {
		w.out = nil
	}
}
