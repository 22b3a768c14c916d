package zk_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zkserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit bounds what a test waits for.
const limit = 30 * time.Second

func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	tb.Cleanup(cancel)
	return ctx
}

// connect returns a client, which ends with the test, and its session.
func connect(tb testing.TB, cfg zk.Config) (*zk.Client, *zk.Session) {
	tb.Helper()
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = 4 * time.Second
	}
	client, err := zk.Connect(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	session, err := client.Session(testContext(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return client, session
}

func must(tb testing.TB, s *zk.Session, request zk.Request) zk.Reply {
	tb.Helper()
	reply, err := s.Call(testContext(tb), request)
	if err != nil {
		tb.Fatal(err)
	}
	return reply
}

var open = zk.WorldACL(zk.PermAll)

func TestOperations(t *testing.T) {
	server := zkserver.Standalone(t)
	_, s := connect(t, zk.Config{Servers: zk.Hosts{server.Addr()}})
	created := must(t, s, zk.Create{Path: "/a", Data: []byte("one"), ACL: open})
	if created.Path != "/a" || created.Stat.Czxid != created.Zxid || created.Stat.DataLength != 3 || created.Conn != 1 {
		t.Errorf("created %+v", created)
	}
	got := must(t, s, zk.Get{Path: "/a"})
	if string(got.Data) != "one" || got.Stat != created.Stat {
		t.Errorf("got %+v", got)
	}
	_, err := s.Call(t.Context(), zk.Set{Path: "/a", Version: 7})
	var refused *zk.Error
	if !errors.Is(err, zk.ErrBadVersion) || !errors.As(err, &refused) || refused.Outcome != zk.Refused {
		t.Error(err)
	}
	fmt.Println(err)
}
