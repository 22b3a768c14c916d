package zkstate_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/zkserver"
	"github.com/zkstate/zkstate/store/zkstore"
)

// kazooScript reads what Go wrote, changes it, and waits for Go's next change.
const kazooScript = `
import json, sys, threading
from kazoo.client import KazooClient
client = KazooClient(hosts=sys.argv[1])
client.start(timeout=20)
doc, stat = client.get("/app/config/payload")
value = json.loads(doc)
assert value["processes"] == ["systemd*", "rsync*"], value
assert [json.loads(client.get("/app/config/listeners/" + l)[0])["id"] for l in client.get_children("/app/config/listeners")] == ["go"]
seen = threading.Event()
@client.DataWatch("/app/config/payload")
def changed(data, stat):
    if data is not None and json.loads(data)["interval"] == 7:
        seen.set()
value["processes"].append("firefox*")
client.set("/app/config/payload", json.dumps(value, indent=1).encode(), version=stat.version)
assert seen.wait(20), "Go's change was not seen"
assert json.loads(client.get("/app/config/payload")[0])["processes"][2] == "firefox*"
client.stop()
`

// TestInteropWithKazoo: a client in another language edits the payload and sees ours.
func TestInteropWithKazoo(t *testing.T) {
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import kazoo").CombinedOutput(); err != nil {
		if os.Getenv("ZKSTATE_REQUIRE_ZOOKEEPER") == "1" {
			t.Fatalf("kazoo: not installed (run scripts/kazoo): %v %s", err, out)
		}
		t.Skipf("kazoo: not installed (run scripts/kazoo): %v", err)
	}
	server := zkserver.Standalone(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := zkstore.Open(zkstore.Config{Servers: []string{server.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	st, err := zkstate.Open(ctx, s, "/app/config", initial(), zkstate.WithID("go"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeState(t, st)
	sets := st.Changes(ctx)
	ended := make(chan error, 1)
	go func() {
		out, err := exec.CommandContext(ctx, python, "-c", kazooScript, server.Addr()).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
			cancel()
		}
		ended <- err
	}()
	for set := range sets {
		if got := fmt.Sprint(set.Changes); got != `[+ /processes/2 "firefox*"]` {
			t.Errorf("kazoo's change shows as %s", got)
		}
		if _, err := st.Update(ctx, func(c *config) error { c.Interval = 7; return nil }); err != nil {
			t.Error(err)
		}
		break
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
