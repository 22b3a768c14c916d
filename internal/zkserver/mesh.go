package zkserver

import (
	"fmt"

	"github.com/zkstate/zkstate/internal/netfault"
)

// way is a direction between two servers, by their ids.
type way struct{ from, to int }

// mesh has the proxies between servers. A nil mesh has none.
type mesh map[way]peerLink

// peerLink is how one server reaches another.
type peerLink struct {
	quorum, election *netfault.Proxy
}

func newMesh(seats []seat) (mesh, error) {
	m := make(mesh)
	for _, from := range seats {
		for _, to := range seats {
			if from.id == to.id {
				continue
			}
			link, err := m.link(from, to)
			if err != nil {
				m.close()
				return nil, fmt.Errorf("zkserver: %w", err)
			}
			m[way{from.id, to.id}] = link
		}
	}
	return m, nil
}

// link makes one way; no server runs before all are made.
func (m mesh) link(from, to seat) (peerLink, error) {
	quorum, err := netfault.NewRaw(to.quorum)
	if err != nil {
		return peerLink{}, err
	}
	back := func() string { return m[way{to.id, from.id}].election.Addr() }
	election, err := netfault.NewElection(to.election, back)
	if err != nil {
		quorum.Close()
		return peerLink{}, err
	}
	return peerLink{quorum, election}, nil
}

// addrs is where one server finds another's peer ports.
func (m mesh) addrs(from, to seat) (quorum, election string) {
	if link, ok := m[way{from.id, to.id}]; ok {
		return link.quorum.Addr(), link.election.Addr()
	}
	return to.quorum, to.election
}

func (m mesh) close() {
	for _, link := range m {
		link.quorum.Close()
		link.election.Close()
	}
}

// SetPeers puts all links between one server and the others into a mode, so that
// clients reach it and its peers do not: with netfault.Blackhole a leader is cut
// off. The Cluster was started with PeerProxies.
func (c *Cluster) SetPeers(s *Server, mode netfault.Mode) {
	for way, link := range c.mesh {
		if way.from == s.seat.id || way.to == s.seat.id {
			link.quorum.SetMode(mode)
			link.election.SetMode(mode)
		}
	}
}
