package zkstore

import (
	"context"
	"io"
	"net"
	"strings"
	"time"
)

// srvrBound is how long a server may take to tell about itself.
const srvrBound = time.Second

// aboutServer is what a server tells about itself by the command srvr. What it does not
// tell is empty.
type aboutServer struct {
	version string // such as 3.9.4
	mode    string // standalone, leader, follower, observer or read-only
}

// askServer asks a server about itself, on a connection without TLS.
func askServer(ctx context.Context, address string) (about aboutServer) {
	ctx, cancel := context.WithTimeout(ctx, srvrBound)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return about
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline) // if it fails, the read does too
	if _, err := io.WriteString(conn, "srvr"); err != nil {
		return about
	}
	answer, _ := io.ReadAll(io.LimitReader(conn, 4<<10))
	for line := range strings.Lines(string(answer)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "Zookeeper version":
			version, _, _ := strings.Cut(value, "-")
			about.version, _, _ = strings.Cut(version, ",")
		case "Mode":
			about.mode = value
		}
	}
	return about
}
