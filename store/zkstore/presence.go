package zkstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/zkstate/zkstate/store"
)

// presence keeps this store's listener records true. A record is an ephemeral
// znode: it dies with the session, and a new session has to put it back.
type presence struct {
	store *Store
	again chan struct{} // level-triggered: a connection was made, look after the records
	done  chan struct{} // closed when the keeper has ended

	mu      sync.Mutex // guards records
	records map[string]*record
}

// record is one listener record that is to exist.
type record struct {
	turn chan struct{} // held by who writes the znode, so that an older write cannot come last
	data []byte        // guarded by presence.mu; nil: nothing was announced yet
	gone bool          // guarded by presence.mu: withdrawn

	// What the znode is known to be, guarded by turn. A commit with a receipt is
	// fenced by it: after a loss of the session, or another's write, it fails.
	session int64 // whose it is, 0 if that is not known
	version int32
}

// errTaken means that the record's name belongs to another session.
var errTaken = errors.New("the listener record belongs to another session")

func newPresence(s *Store) *presence {
	return &presence{store: s, again: make(chan struct{}, 1), done: make(chan struct{}), records: make(map[string]*record)}
}

// reconnected asks the keeper to look after all records. It never blocks.
func (p *presence) reconnected() {
	select {
	case p.again <- struct{}{}:
	default:
	}
}

// start runs the keeper until the conn is closed.
func (p *presence) start(logger *slog.Logger) {
	go func() {
		defer close(p.done)
		for {
			select {
			case <-p.again:
			case <-p.store.conn.ctx.Done():
				return
			}
			if err := p.restoreAll(); err != nil {
				logger.Warn("zkstore: listener records not restored yet", "error", err)
				select { // a store that is away says so at once; do not spin
				case <-time.After(200 * time.Millisecond):
					p.reconnected()
				case <-p.store.conn.ctx.Done():
				}
			}
		}
	}()
}

func (p *presence) stop() { <-p.done }

// restoreAll writes every record whose znode is missing or not this session's.
func (p *presence) restoreAll() error {
	p.mu.Lock()
	nodes := make([]string, 0, len(p.records))
	for full := range p.records {
		nodes = append(nodes, full)
	}
	p.mu.Unlock()
	var failed error
	for _, full := range nodes {
		p.mu.Lock()
		r := p.records[full]
		p.mu.Unlock()
		if r != nil {
			failed = errors.Join(failed, p.write(p.store.conn.ctx, full, r))
		}
	}
	return failed
}

// Announce implements [store.Store].
func (s *Store) Announce(ctx context.Context, path, id string, data []byte) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if err := store.CheckID(id); err != nil {
		return err
	}
	if len(data) > store.MaxCommit {
		return fmt.Errorf("announce %s at %s: record of %d bytes: %w", id, path, len(data), store.ErrTooLarge)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("announce %s at %s: %w", id, path, err)
	}
	full := s.records(path) + "/" + id
	r := s.presence.get(full)
	s.presence.set(r, data)
	err := s.presence.write(ctx, full, r)
	if errors.Is(err, errTaken) {
		s.presence.forget(full, r)
	}
	// A record is written again at need, so a lost answer is no unknown outcome.
	return translate("announce "+id+" at", path, err, false)
}

// get returns the record of that name, a new one if there is none.
func (p *presence) get(full string) *record {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.records[full]
	if r == nil {
		r = &record{turn: make(chan struct{}, 1)}
		p.records[full] = r
	}
	return r
}

// set says what the record is to hold.
func (p *presence) set(r *record, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.data = append([]byte{}, data...)
}

func (p *presence) forget(full string, r *record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.gone = true
	if p.records[full] == r {
		delete(p.records, full)
	}
}

// take waits for the turn to write the record.
func (r *record) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unsentError{ctx.Err()}
	}
}

func (r *record) give() { <-r.turn }

// write makes the znode exist, owned by this session, with the record's data.
func (p *presence) write(ctx context.Context, full string, r *record) error {
	if err := r.take(ctx); err != nil {
		return err
	}
	defer r.give()
	p.mu.Lock()
	data, gone := r.data, r.gone
	p.mu.Unlock()
	if gone || data == nil {
		return nil
	}
	return p.writeInTurn(ctx, full, r, data)
}

// writeInTurn is write for who has the turn.
func (p *presence) writeInTurn(ctx context.Context, full string, r *record, data []byte) error {
	for attempt := 0; ; attempt++ {
		err := p.writeOnce(ctx, full, r, data)
		if !errors.Is(err, zk.ErrNoNode) || attempt == 3 {
			return err
		}
		// The folder is missing, or somebody's Delete tidied it away.
		if err := p.store.ensure(ctx, full[:strings.LastIndexByte(full, '/')]); err != nil {
			return err
		}
	}
}

// writeOnce creates the znode, or sets it if it is this session's: after a lost
// answer the znode that is in the way may be our own.
func (p *presence) writeOnce(ctx context.Context, full string, r *record, data []byte) error {
	conn := p.store.conn
	session := conn.session()
	r.session = 0
	found, err := p.store.exists(ctx, full)
	if err != nil {
		return err
	}
	if found.stat == nil {
		_, err = call(ctx, conn, func(c *zk.Conn) (string, error) {
			return c.Create(full, data, zk.FlagEphemeral, p.store.acl)
		})
		if err == nil {
			r.session, r.version = session, 0
		}
		if !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
		if found, err = p.store.exists(ctx, full); err != nil {
			return err
		}
	}
	if found.stat == nil || found.stat.EphemeralOwner != session {
		return errTaken
	}
	stat, err := call(ctx, conn, func(c *zk.Conn) (*zk.Stat, error) { return c.Set(full, data, -1) })
	if err == nil {
		r.session, r.version = session, stat.Version
	}
	return err
}

// Withdraw implements [store.Store].
func (s *Store) Withdraw(ctx context.Context, path, id string) error {
	full := s.records(path) + "/" + id
	s.presence.mu.Lock()
	r := s.presence.records[full]
	s.presence.mu.Unlock()
	if r == nil {
		return nil
	}
	s.presence.forget(full, r)
	if err := r.take(ctx); err != nil { // after a write that is under way
		return fmt.Errorf("withdraw %s at %s: %w", id, path, err)
	}
	defer r.give()
	found, err := s.exists(ctx, full)
	if err == nil && found.stat != nil && found.stat.EphemeralOwner == s.conn.session() {
		_, err = call(ctx, s.conn, func(c *zk.Conn) (any, error) { return nil, c.Delete(full, -1) })
	}
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return translate("withdraw "+id+" at", path, err, false)
}

// Listeners implements [store.Store]. The answer is linearizable.
func (s *Store) Listeners(ctx context.Context, path string) ([]store.Listener, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	var found []store.Listener
	err := s.afterBarrier(ctx, path, func() (err error) {
		found, err = s.readRecords(ctx, path)
		return err
	})
	return found, translate("list listeners of", path, err, false)
}

func (s *Store) readRecords(ctx context.Context, path string) ([]store.Listener, error) {
	ids, err := call(ctx, s.conn, func(c *zk.Conn) ([]string, error) {
		ids, _, err := c.Children(s.records(path))
		return ids, err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	found := make([]store.Listener, 0, len(ids))
	for _, id := range ids {
		data, err := call(ctx, s.conn, func(c *zk.Conn) ([]byte, error) {
			data, _, err := c.Get(s.records(path) + "/" + id)
			return data, err
		})
		switch {
		case err == nil:
			found = append(found, store.Listener{ID: id, Data: data})
		case !errors.Is(err, zk.ErrNoNode): // else it left meanwhile
			return nil, err
		}
	}
	return found, nil
}

// Absent implements [store.Store].
func (s *Store) Absent(context.Context, string, []string) ([]store.Listener, error) {
	return nil, nil
}

// Forget implements [store.Store].
func (s *Store) Forget(context.Context, string, store.Listener) error { return nil }
