package zk

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// Where a call is.
const (
	pending  int32 = iota
	answered       // every request has its reply
	left           // the caller left because its ctx ended
)

// call is the requests of one Do. The caller owns it until it is in the session's queue, the session while it is
// there, and then the connection whose writer took it. It comes back to the caller when it is answered; a call that
// was left stays with the connection, which still has to match its replies.
type call struct {
	requests []Request
	replies  []Reply // replies[i] is written before replied goes past i, and not after
	frames   []byte  // the requests as frames, one after another, without xids
	ends     []int   // where in frames each of them ends
	sentAt   time.Time

	state   atomic.Int32
	replied atomic.Int32
	done    chan struct{} // receives one token when the call is answered

	request [1]Request // requests and replies of a Call, so that slices of one are not allocated
	reply   [1]Reply
}

// keepFrames bounds the buffer that an idle call holds.
const keepFrames = 16 << 10

func newCall() any { return &call{done: make(chan struct{}, 1)} }

// encode prepares the call for sending.
func (c *call) encode(requests []Request, replies []Reply) {
	c.requests, c.replies = requests, replies
	c.state.Store(pending)
	c.replied.Store(0)
	c.frames, c.ends = c.frames[:0], c.ends[:0]
	for _, request := range requests {
		start := len(c.frames)
		c.frames = append(c.frames, make([]byte, wire.HeadSize)...)
		c.frames = wire.RequestHeader{Opcode: request.opcode()}.Append(c.frames)
		c.frames = request.append(c.frames)
		wire.PutHead(c.frames[start:])
		c.ends = append(c.ends, len(c.frames))
	}
}

// reset makes an answered call fit for reuse.
func (c *call) reset() {
	c.requests, c.replies = nil, nil
	c.request[0], c.reply[0] = nil, Reply{}
	if cap(c.frames) > keepFrames {
		c.frames = nil
	}
}

// errPath is met on a path that a server would read as another one.
var errPath = errors.New("the path is not UTF-8")

// check returns why the requests cannot be sent to any server, or nil.
func (c *call) check(limit int) error {
	start := 0
	for i, end := range c.ends {
		if size := end - start - wire.HeadSize; size > limit {
			return &SizeError{What: "request", Size: size, Limit: limit}
		}
		if !readable(c.requests[i]) {
			return errPath
		}
		start = end
	}
	return nil
}

// readable reports whether a server reads the paths as they are meant.
func readable(request Request) bool {
	switch request := request.(type) {
	case Multi:
		for _, op := range request {
			if !utf8.ValidString(op.path()) {
				return false
			}
		}
	case MultiRead:
		for _, query := range request {
			if !utf8.ValidString(query.path()) {
				return false
			}
		}
	case SetWatches:
		for _, path := range slices.Concat(request.Data, request.Children) {
			if !utf8.ValidString(path) {
				return false
			}
		}
	}
	return utf8.ValidString(request.path())
}

// answer says that replies[i] is complete. Replies come in order.
func (c *call) answer(i int) {
	c.replied.Store(int32(i + 1))
	if i+1 == len(c.requests) && c.state.CompareAndSwap(pending, answered) {
		c.done <- struct{}{}
	}
}

// fail answers all requests with an error.
func (c *call) fail(outcome Outcome, cause error) {
	for i, n := 0, len(c.requests); i < n; i++ { // the last answer gives the call away
		c.failOne(i, outcome, cause)
	}
}

// failOne answers the request at i with an error.
func (c *call) failOne(i int, outcome Outcome, cause error) {
	c.replies[i].Err = requestError(c.requests[i], outcome, cause)
	c.answer(i)
}

// leave takes the caller out, or returns false if the call has been answered.
func (c *call) leave() bool { return c.state.CompareAndSwap(pending, left) }

// partial returns the replies of a call that was left: those that came, and Unknown for the others.
func (c *call) partial(cause error) []Reply {
	replies := make([]Reply, len(c.requests))
	came := copy(replies, c.replies[:c.replied.Load()])
	for i := came; i < len(replies); i++ {
		replies[i].Err = requestError(c.requests[i], Unknown, cause)
	}
	return replies
}

func requestError(request record, outcome Outcome, cause error) *Error {
	return &Error{Op: request.opcode().String(), Path: request.path(), Outcome: outcome, Index: -1, Cause: cause}
}

func refused(request record, code Code) *Error {
	return &Error{Op: request.opcode().String(), Path: request.path(), Outcome: Refused, Code: code, Index: -1}
}
