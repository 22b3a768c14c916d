package zkstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

var _ store.Inspector = (*Store)(nil)

// inspection is one call of Inspect.
type inspection struct {
	store   *Store
	path    string
	session *zk.Session
	rights  rights
	znodes  []znode
	found   store.Inspection
}

// Inspect implements [store.Inspector]. The znodes are read behind one barrier, and are
// as fresh as a linearizable Load. Of the journal's entries only the newest are described.
func (s *Store) Inspect(ctx context.Context, path string) (store.Inspection, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Inspection{}, err
	}
	in := &inspection{store: s, path: path}
	for _, step := range []func(context.Context) error{in.timeWrite, in.readZnodes, in.identify, in.readServer, in.readQuotas} {
		if err := step(ctx); err != nil {
			return store.Inspection{}, s.translate("inspect", path, err, false)
		}
	}
	in.describeZnodes()
	in.findOddZnodes()
	return in.found, nil
}

// timedWrites is how many transactions are timed.
const timedWrites = 5

// timeWrite times barriers.
func (in *inspection) timeWrite(ctx context.Context) error {
	took := make([]time.Duration, timedWrites)
	for i := range took {
		sent := time.Now()
		session, _, err := in.store.ordered(ctx, in.path)
		if err != nil {
			return err
		}
		took[i], in.session = time.Since(sent), session
	}
	slices.Sort(took)
	in.found.Write = store.Timing{
		What: fmt.Sprintf("a transaction that checks the version of %s and changes nothing: the servers agree on it as on a commit (median of %d)", in.store.folder(in.path), timedWrites),
		Took: took[timedWrites/2],
	}
	return nil
}

// tell adds a fact, which is not known if it is empty.
func (in *inspection) tell(name, value string) {
	in.found.Facts = append(in.found.Facts, store.Fact{Name: name, Value: cmp.Or(value, "not known")})
}

func (in *inspection) odd(f store.Finding) { in.found.Findings = append(in.found.Findings, f) }

// readServer tells who answered and in which session.
func (in *inspection) readServer(ctx context.Context) error {
	s := in.store
	about := s.askServer(ctx)
	in.tell("server", s.client.Server())
	version := about.version
	if version == "" {
		version = "not known: the server does not answer srvr (4lw.commands.whitelist)"
		if in.rights.known {
			version += "; 3.7 or newer, since it answers whoAmI"
		}
	}
	in.tell("version", version)
	in.tell("role", about.mode)
	reply, err := in.session.Call(ctx, zk.Get{Path: configPath})
	if err != nil && !refused(err) {
		return err
	}
	in.tell("ensemble", ensembleText(string(reply.Data), err))
	in.tell("chroot", cmp.Or(s.chroot, "/"))
	in.tell("session", fmt.Sprintf("0x%x, timeout %v", in.session.ID(), in.session.Timeout()))
	in.tell("identity", in.rights.String())
	return nil
}

// ensembleText describes the data of /zookeeper/config.
func ensembleText(config string, err error) string {
	if err != nil {
		return ""
	}
	var servers []string
	for line := range strings.Lines(config) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if strings.HasPrefix(name, "server.") {
			servers = append(servers, strings.TrimPrefix(name, "server.")+"="+value)
		}
	}
	if len(servers) == 0 {
		return "one server that stands alone"
	}
	return fmt.Sprintf("%d servers: %s", len(servers), strings.Join(servers, ", "))
}

// identify asks who the servers take this handle for. Servers before 3.7 do not tell.
func (in *inspection) identify(ctx context.Context) error {
	in.rights = rights{digests: in.store.digests, authenticated: in.store.authenticated}
	if in.store.created.silent.Load() { // the question would end the connection
		return nil
	}
	reply, err := in.session.Call(ctx, zk.WhoAmI{})
	switch {
	case err == nil:
		in.rights.known, in.rights.identities = true, reply.Identities
	case ctx.Err() != nil, errors.Is(err, zk.ErrClosed):
		return err
	}
	return nil
}
