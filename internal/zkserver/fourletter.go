package zkserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Role is what a server is in its ensemble.
type Role string

// The roles of a server that serves.
const (
	Leader     Role = "leader"
	Follower   Role = "follower"
	Observer   Role = "observer"
	ReadOnly   Role = "read-only" // it has lost its majority, and readonlymode.enabled is set
	Alone      Role = "standalone"
	NotServing Role = "" // down, paused, or looking for a leader
)

// statusTimeout bounds the answer of a server that may be paused, answerTimeout that of one that serves.
const (
	statusTimeout = time.Second
	answerTimeout = 30 * time.Second
)

// ask sends a four-letter word and returns the answer.
func ask(ctx context.Context, addr, word string, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(conn, word); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// status is the part of srvr's answer that matters here.
type status struct {
	version string
	zxid    uint64
	role    Role
}

func askStatus(ctx context.Context, addr string) (status, error) {
	answer, err := ask(ctx, addr, "srvr", statusTimeout)
	if err != nil {
		return status{}, err
	}
	return parseStatus(answer)
}

func parseStatus(answer string) (status, error) {
	var s status
	var err error
	for line := range strings.Lines(answer) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Zookeeper version":
			s.version, _, _ = strings.Cut(value, ",")
		case "Zxid":
			s.zxid, err = strconv.ParseUint(value, 0, 64)
		case "Mode":
			s.role = Role(value)
		}
	}
	if s.role == NotServing {
		return status{}, fmt.Errorf("not serving: %s", strings.TrimSpace(answer))
	}
	if err != nil {
		return status{}, fmt.Errorf("srvr: %w", err)
	}
	return s, nil
}

// errOther says that the port belongs to somebody else.
var errOther = errors.New("another server has the port")

// checkIdentity makes sure that it is the server with this data that answers:
// one of another test may have won the port.
func checkIdentity(ctx context.Context, addr, data string) error {
	answer, err := ask(ctx, addr, "conf", answerTimeout)
	switch {
	case err != nil:
		return err
	case strings.Contains(answer, "dataDir="+data):
		return nil
	case strings.Contains(answer, "dataDir="):
		return errOther
	}
	return errors.New("not serving: " + strings.TrimSpace(answer))
}
