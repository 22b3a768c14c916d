package zkstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// TestClassify holds the judgement that exactly-once rests on: what is called
// refused or unsent is safe to try again.
func TestClassify(t *testing.T) {
	for _, c := range []struct {
		err  error
		want outcome
	}{
		{nil, applied},
		{zk.ErrBadVersion, refused},
		{zk.ErrNoNode, refused},
		{zk.ErrNodeExists, refused},
		{zk.ErrNoAuth, refused},
		{zk.ErrSessionExpired, refused},
		{zk.ErrSessionMoved, refused},
		{zk.ErrNoServer, unsent},
		{store.ErrClosed, unsent},
		{unsentError{context.Canceled}, unsent},
		{zk.ErrConnectionClosed, unknown},
		{zk.ErrClosing, unknown},
		{zk.ErrUnknown, unknown},
		{zk.ErrAPIError, unknown},
		{errClosing, unknown},
		{io.EOF, unknown},
		{&net.OpError{Op: "write", Err: errors.New("broken pipe")}, unknown},
		{context.DeadlineExceeded, unknown},
		{errors.New("unknown error: -1"), unknown},
	} {
		if got := classify(c.err); got != c.want {
			t.Errorf("%v is classified as %d, want %d", c.err, got, c.want)
		}
		err := translate("commit", "/doc", fmt.Errorf("wrapped: %w", errOrNothing(c.err)), true)
		if c.err != nil && errors.Is(err, store.ErrUnknownOutcome) != (c.want == unknown) {
			t.Errorf("%v is translated to %v", c.err, err)
		}
	}
}

func errOrNothing(err error) error {
	if err == nil {
		return errors.New("none")
	}
	return err
}

// TestHosts: every server has its turn, and the client is asked to pause after each
// full round without success only.
func TestHosts(t *testing.T) {
	h := &hosts{}
	if err := h.Init([]string{"a:1", "b:1", "c:1"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	take := func() {
		server, pause := h.Next()
		got = append(got, fmt.Sprint(server, " ", pause))
	}
	synctest.Test(t, func(t *testing.T) {
		for range 5 {
			take()
		}
		h.Connected()
		time.Sleep(lasting)
		take()
		h.stay()
		take()
		h.Connected() // and hung up at once
		take()
		take()
		h.stop()
		take()
		want := []string{"a:1 false", "b:1 false", "c:1 false", "a:1 true", "b:1 false", "c:1 false", "c:1 false", "a:1 false", "b:1 true", "c:1 true"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestInspectFindsBorders feeds good packets byte by byte and in one piece.
func TestInspectFindsBorders(t *testing.T) {
	stream := []byte{0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0x0f, 0xa0} // handshake: 4 s granted
	for range 3 {
		stream = append(stream, 0, 0, 0, 16)
		stream = append(stream, make([]byte, 16)...)
	}
	for _, size := range []int{1, 3, 7, len(stream)} {
		w := &wire{pulse: new(pulse)}
		for piece := range slices.Chunk(stream, size) {
			if err := w.inspect(piece); err != nil {
				t.Fatalf("pieces of %d: %v", size, err)
			}
		}
		if w.rest != 0 || len(w.header) != 0 || !w.greeted || w.patience.Load() != 2e9 {
			t.Errorf("pieces of %d: ended at %+v", size, w)
		}
	}
}
