package netfault

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

func await(t *testing.T, dropped <-chan struct{}) {
	t.Helper()
	select {
	case <-dropped:
	case <-time.After(within):
		t.Fatal("no reply was dropped")
	}
}

func TestDropReply(t *testing.T) {
	f, p := setUp(t)
	c := connect(t, p)
	dropped := p.DropReply(wire.Opcode.Writes)
	c.mustCall(wire.OpGetData)
	select {
	case <-dropped:
		t.Fatal("a read's reply was dropped")
	default:
	}
	if got, err := c.call(wire.OpMulti); err == nil {
		t.Fatalf("the reply arrived: %v", got)
	}
	await(t, dropped)
	if !f.saw(wire.OpMulti) || p.Requests(wire.OpMulti) != 1 {
		t.Error("the request was not forwarded")
	}
	connect(t, p).mustCall(wire.OpMulti) // once only
}

func TestDropReplyQueues(t *testing.T) {
	_, p := setUp(t)
	first, second := p.DropReply(wire.Opcode.Writes), p.DropReply(wire.Opcode.Writes)
	connect(t, p).call(wire.OpCreate)
	await(t, first)
	select {
	case <-second:
		t.Fatal("one request took both orders")
	default:
	}
	connect(t, p).call(wire.OpCreate)
	await(t, second)
}

func TestDropReplyOutlivesConnection(t *testing.T) {
	_, p := setUp(t)
	c := connect(t, p)
	dropped := p.DropReply(wire.Opcode.Writes)
	p.Delay(0, time.Hour)
	c.send(wire.OpDelete)
	eventually(t, "the request has passed", func() bool { return p.Requests(wire.OpDelete) == 1 })
	p.Cut() // before the reply
	p.Delay(0, 0)
	c.mustBeCut()
	eventually(t, "the link is forgotten", func() bool { return p.Connections() == 0 })
	connect(t, p).call(wire.OpDelete)
	await(t, dropped)
}

func TestDropReplies(t *testing.T) {
	_, p := setUp(t)
	var n atomic.Int32
	stop := p.DropReplies(func(opcode wire.Opcode) bool { return opcode.Writes() && n.Add(1)%3 == 0 })
	lost := 0
	c := connect(t, p)
	for range 9 {
		if _, err := c.call(wire.OpSetData); err != nil {
			lost++
			c = connect(t, p)
		}
	}
	if got := stop(); got != 3 || lost != 3 {
		t.Errorf("dropped %d, lost %d, want 3", got, lost)
	}
	for range 3 {
		c.mustCall(wire.OpSetData)
	}
}

func TestHoldEvents(t *testing.T) {
	_, p := setUp(t)
	c := connect(t, p)
	if got := c.mustCall(wire.OpSetData); !slices.Contains(got, wire.XidEvent) {
		t.Fatalf("no event among %v", got)
	}
	stop := p.HoldEvents()
	if got := c.mustCall(wire.OpSetData); slices.Contains(got, wire.XidEvent) || p.HeldEvents() != 1 {
		t.Errorf("got %v, held %d", got, p.HeldEvents())
	}
	stop()
	stop()
	if got := c.mustCall(wire.OpSetData); !slices.Contains(got, wire.XidEvent) {
		t.Errorf("no event among %v after stop", got)
	}
}

// TestFaultsAtOnce lets everything happen together, for the race detector.
func TestFaultsAtOnce(t *testing.T) {
	_, p := setUp(t)
	end := time.Now().Add(300 * time.Millisecond)
	var tasks sync.WaitGroup
	for range 4 {
		tasks.Go(func() {
			for time.Now().Before(end) {
				c := dial(t, p)
				c.SetDeadline(time.Now().Add(20 * time.Millisecond))
				wire.WriteFrame(c, make([]byte, 44))
				for {
					if _, err := c.call(wire.OpSetData); err != nil {
						break
					}
				}
				c.Close()
			}
		})
	}
	var orders []<-chan struct{}
	for time.Now().Before(end) {
		if len(orders) < 20 {
			orders = append(orders, p.DropReply(wire.Opcode.Writes))
		}
		for _, mode := range []Mode{Blackhole, Pass, Hold, Pass, Refuse, Pass} {
			p.SetMode(mode)
			p.DropReplies(wire.Opcode.Writes)()
			p.HoldEvents()()
			p.Delay(time.Millisecond, 0)
			p.Cut()
			p.LastSession()
		}
	}
	tasks.Wait()
	p.Delay(0, 0)
	eventually(t, "no link is left", func() bool { return p.Connections() == 0 })
	for range orders { // those left over take a connection each
		connect(t, p).call(wire.OpSetData)
	}
	for _, dropped := range orders {
		await(t, dropped)
	}
	connect(t, p).mustCall(wire.OpSetData)
}
