package zkstore_test

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store"
)

// olderServer passes on what a server says, and says of some requests that it does not
// know them, as a server before those requests does. The requests must come alone.
func olderServer(t *testing.T, server string, unknown wire.Opcode) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var forwarding sync.WaitGroup
	forwarding.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			var mu sync.Mutex // guards writing to client
			forwarding.Go(func() {
				defer client.Close()
				in := bufio.NewReader(up)
				for {
					frame, err := wire.ReadFrame(in, 1<<22)
					if err != nil {
						return
					}
					mu.Lock()
					_, err = client.Write(frame)
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
			forwarding.Go(func() {
				defer up.Close()
				in := bufio.NewReader(client)
				for greeted := false; ; greeted = true {
					frame, err := wire.ReadFrame(in, 1<<22)
					if err != nil {
						return
					}
					var header wire.RequestHeader
					d := wire.NewDecoder(frame[wire.HeadSize:])
					header.Decode(&d)
					if greeted && header.Opcode == unknown {
						mu.Lock()
						_ = wire.WriteFrame(client, wire.ReplyHeader{Xid: header.Xid, Zxid: 1, Err: int32(zk.ErrUnimplemented)}.Append(nil))
						mu.Unlock()
						continue
					}
					if _, err := up.Write(frame); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); forwarding.Wait() })
	return l.Addr().String()
}

// TestServerWithoutContainers: a lock was asked for again and again, for ever.
func TestServerWithoutContainers(t *testing.T) {
	t.Parallel()
	server := zkserver.Standalone(t)
	s := open(t, "", olderServer(t, server.Addr(), wire.OpCreateContainer))
	defer s.Close()
	for range 2 {
		lock, err := s.Lock(t.Context(), "/doc", "me")
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	v := mustCommit(t, t.Context(), s, store.Create{Path: "/doc", Data: []byte("0")}, store.Receipt{Path: "/doc", ID: "me", Data: []byte("r")})[0]
	mustCommit(t, t.Context(), s, store.Delete{Path: "/doc", Base: v})
	if _, err := s.Load(t.Context(), "/doc", store.Version{}, store.Local); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}
