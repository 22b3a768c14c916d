package zkserver

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says how servers run. The zero value works.
type Config struct {
	// Dir holds data and logs. Empty: a temporary directory, which Close
	// removes.
	Dir string
	// TickTime is the server's unit of time, 500 ms by default. Sessions last
	// between 2 and 20 ticks.
	TickTime time.Duration
	// SyncLimit is how many ticks a follower may be silent, 4 by default;
	// InitLimit how many it may take to catch up, 20 by default.
	SyncLimit, InitLimit int
	// JVMFlags replace -Xmx256m -XX:TieredStopAtLevel=1.
	JVMFlags []string
	// Properties are more lines of zoo.cfg, and override those above.
	Properties map[string]string
	// TLS, where it is given, adds a port that speaks it: see Server.SecureAddr.
	TLS *TLS
	// SASL, where it is given, lets clients authenticate by SASL DIGEST-MD5.
	SASL *SASL
	// Observers is how many of an ensemble's servers, its last ones, do not vote.
	Observers int
	// Reconfigurable lets Cluster.Add and Cluster.Remove change the ensemble, and
	// /zookeeper/config say where its clients connect. There are no ACLs then.
	Reconfigurable bool
	// PeerProxies puts proxies between the servers of an ensemble, for
	// Cluster.SetPeers.
	PeerProxies bool
	// ReadyTimeout bounds the wait for servers to serve, 30 s by default.
	ReadyTimeout time.Duration
}

func (c Config) withDefaults() Config {
	c.TickTime = cmp.Or(c.TickTime, 500*time.Millisecond)
	c.SyncLimit = cmp.Or(c.SyncLimit, 4)
	c.InitLimit = cmp.Or(c.InitLimit, 20)
	c.ReadyTimeout = cmp.Or(c.ReadyTimeout, 30*time.Second)
	if c.JVMFlags == nil {
		c.JVMFlags = []string{"-Xmx256m", "-XX:TieredStopAtLevel=1"}
	}
	return c
}

// seat is a server's place in the ensemble.
type seat struct {
	id                               int // from 1
	client, secure, quorum, election string
	observer                         bool
}

// line is what the seat's server.N says, its peer addresses being those given.
func (s seat) line(quorum, election string, withClient bool) string {
	_, electionPort, _ := strings.Cut(election, ":")
	role := "participant"
	if s.observer {
		role = "observer"
	}
	line := quorum + ":" + electionPort + ":" + role
	if withClient {
		line += ";" + s.client
	}
	return line
}

// zooCfg renders the configuration of the server in a seat. All seats are given,
// one if the server stands alone.
func (c Config) zooCfg(dir string, own seat, seats []seat, m mesh) string {
	host, port, _ := strings.Cut(own.client, ":")
	lines := map[string]string{
		"tickTime":               strconv.FormatInt(c.TickTime.Milliseconds(), 10),
		"syncLimit":              strconv.Itoa(c.SyncLimit),
		"initLimit":              strconv.Itoa(c.InitLimit),
		"minSessionTimeout":      strconv.FormatInt(2*c.TickTime.Milliseconds(), 10),
		"maxClientCnxns":         "0",
		"dataDir":                filepath.Join(dir, "data"),
		"clientPort":             port,
		"clientPortAddress":      host,
		"admin.enableServer":     "false",
		"4lw.commands.whitelist": "*",
	}
	if len(seats) > 1 {
		for _, s := range seats {
			quorum, election := m.addrs(own, s)
			lines["server."+strconv.Itoa(s.id)] = s.line(quorum, election, c.Reconfigurable)
		}
	}
	if own.observer {
		lines["peerType"] = "observer"
	}
	if c.Reconfigurable {
		maps.Copy(lines, map[string]string{"reconfigEnabled": "true", "standaloneEnabled": "false", "skipACL": "yes"})
	}
	maps.Copy(lines, c.TLS.properties(own))
	maps.Copy(lines, c.SASL.properties())
	maps.Copy(lines, c.Properties)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(&b, "%s=%s\n", key, escape(lines[key]))
	}
	return b.String()
}

// escape writes a value as Java's property files want it.
func escape(value string) string {
	var b strings.Builder
	for _, r := range value {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r > 0xFFFF: // as two, like Java's strings
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		case r > '~' || r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
