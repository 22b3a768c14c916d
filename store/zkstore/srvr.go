package zkstore

import (
	"context"
	"crypto/tls"
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

// askServer asks the server of this handle's connection about itself, by TLS if that
// connection is.
func (s *Store) askServer(ctx context.Context) (about aboutServer) {
	ctx, cancel := context.WithTimeout(ctx, srvrBound)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.client.Server())
	if err != nil {
		return about
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline) // if it fails, the read does too
	if s.tls != nil {
		cfg, err := s.tls(s.client.Host())
		if err != nil {
			return about
		}
		conn = tls.Client(conn, cfg) // which is closed with what is below it
	}
	if _, err := io.WriteString(conn, "srvr"); err != nil {
		return about
	}
	answer, _ := io.ReadAll(io.LimitReader(conn, 4<<10))
	return readAbout(string(answer))
}

func readAbout(answer string) (about aboutServer) {
	for line := range strings.Lines(answer) {
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
