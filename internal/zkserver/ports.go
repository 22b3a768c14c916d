package zkserver

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken from below those that systems give to outgoing connections
// (32768 and up on Linux). Otherwise a client that dials a stopped server's port
// could be given that very port, and meet itself.
const lowestPort, highestPort = 12000, 32000

// FreePort returns a loopback TCP port on which nobody listens now.
func FreePort() (int, error) {
	ports, err := freePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// freePorts returns different ones.
func freePorts(n int) ([]int, error) {
	var ports []int
	// They are held until all are found, so that none is found twice.
	var held []net.Listener
	defer func() {
		for _, ln := range held {
			ln.Close()
		}
	}()
	for range 100 * n {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		ln, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		held = append(held, ln)
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("zkserver: no free ports on 127.0.0.1 between %d and %d", lowestPort, highestPort)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// seats finds ports for n servers.
func seats(n int) ([]seat, error) {
	ports, err := freePorts(4 * n)
	if err != nil {
		return nil, err
	}
	all := make([]seat, n)
	for i := range all {
		p := ports[4*i:]
		all[i] = seat{id: i + 1, client: loopback(p[0]), quorum: loopback(p[1]), election: loopback(p[2]), secure: loopback(p[3])}
	}
	return all, nil
}
