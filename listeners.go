package zkstate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/zkstate/zkstate/store"
)

// Listener is the record of one open State, as its owner wrote it.
type Listener struct {
	ID      string         `json:"id"`
	Host    string         `json:"host"`
	PID     int            `json:"pid"`
	App     string         `json:"app"`
	Since   time.Time      `json:"since"`
	Applied Version        `json:"applied"` // the version that its reads serve
	Status  ListenerStatus `json:"status"`
	Reason  string         `json:"reason,omitempty"` // of StatusRejected, StatusLost and StatusUnknown
	Newest  Version        `json:"newest,omitzero"`  // that it has seen, where that is not Applied

	// MaxStaleness is how long its reads may serve what they have when it cannot reach
	// the store. 0: its program is older than this field.
	MaxStaleness time.Duration `json:"max_staleness_ns,omitempty"`
}

// ListenerStatus says what a listener makes of the newest document.
type ListenerStatus string

// What a ListenerStatus can be. A record of a newer release may hold another one.
const (
	StatusApplied  ListenerStatus = "applied"  // the newest document that it has seen is in use
	StatusRejected ListenerStatus = "rejected" // the newest document was refused
	StatusDeleted  ListenerStatus = "deleted"  // the document is gone
	StatusLost     ListenerStatus = "lost"     // its record is gone and it did not close; see WaitAll
	StatusUnknown  ListenerStatus = "unknown"  // its record cannot be read, or is not one of ours
)

// listenerRecord is a Listener as it is stored.
type listenerRecord struct {
	Listener
	Receipt string `json:"receipt,omitempty"` // of its last commit; see store.Receipt
}

// Listeners returns who has the document open, ordered by id: one record for each
// State without Observer, this one included. It asks the store and blocks until
// that answers, at most until ctx ends. A record that cannot be read comes with
// [StatusUnknown] and fails no other. Errors: [ErrUnavailable], [ErrDenied], [ErrClosed].
func (st *State[T]) Listeners(ctx context.Context) ([]Listener, error) {
	ctx, cancel := st.lifetime(ctx)
	defer cancel()
	records, err := st.store.Listeners(ctx, st.path)
	if st.isClosed() {
		return nil, st.errClosed("list listeners of")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", st.at("list listeners of"), err)
	}
	found := make([]Listener, len(records))
	for i, record := range records {
		found[i] = parseListener(record)
	}
	return found, nil
}

// maxListener bounds the record of a listener, in bytes. Ours are far smaller.
const maxListener = 64 << 10

// parseListener reads a record. One that cannot be read, or is not ours, says so in its
// Status and Reason.
func parseListener(record store.Listener) Listener {
	unknown := func(why string) Listener {
		return Listener{ID: record.ID, Status: StatusUnknown, Reason: why}
	}
	var l Listener
	switch {
	case record.Err != nil:
		return unknown("its record cannot be read: " + record.Err.Error())
	case len(record.Data) > maxListener:
		return unknown(fmt.Sprintf("its record has %d bytes", len(record.Data)))
	case json.Unmarshal(record.Data, &l) != nil || l.Status == "":
		return unknown("its record is not one of this library")
	}
	l.ID = record.ID // the name in the store is what is unique
	return l
}

// startReporting announces this State and keeps its record true from then on. An
// id that another live State holds, or a store that is away, is no reason not to
// start: the record follows when it can. With later it is not even tried first.
func (st *State[T]) startReporting(ctx context.Context, later bool) error {
	if st.cfg.observer {
		return nil
	}
	data, order := st.report()
	if later {
		data = nil
	} else {
		announcing, cancel := context.WithTimeout(ctx, closeBound) // opening does not depend on it
		defer cancel()
		if err := st.announceIn(announcing, data); errors.Is(err, ErrDenied) {
			return fmt.Errorf("%w: open with Observer if you only read", err)
		} else if err != nil {
			data = nil
			st.cfg.logger.Warn("zkstate: listener record not written yet", "path", st.path, "listener", st.cfg.id, "error", err)
		}
	}
	st.reporter.start(st, data, order)
	return nil
}

// report implements [reports].
func (st *State[T]) report() (data []byte, order int64) {
	order = st.current.Load().newest.Order()
	st.own.mu.Lock()
	defer st.own.mu.Unlock()
	return st.recordLocked(st.own.receipt), order
}

// announce implements [reports].
func (st *State[T]) announce(data []byte) error {
	ctx, cancel := context.WithTimeout(st.ctx, max(st.cfg.refresh, reportPause))
	defer cancel()
	return st.announceIn(ctx, data)
}

func (st *State[T]) announceIn(ctx context.Context, data []byte) error {
	err := st.protect(func() error { return st.store.Announce(ctx, st.path, st.cfg.id, data) })
	if err != nil {
		st.counters.reportsLost.Add(1)
	} else {
		st.counters.reports.Add(1)
	}
	return err
}

// countListeners implements [reports].
func (st *State[T]) countListeners() int {
	ctx, cancel := context.WithTimeout(st.ctx, reportPause)
	defer cancel()
	var place store.Place
	err := st.protect(func() (err error) {
		place, err = st.store.Stat(ctx, st.path, store.Local)
		return err
	})
	if err != nil {
		return 0
	}
	return place.Listeners
}

// startTask implements [reports].
func (st *State[T]) startTask(fn func()) bool { return st.tasks.start(fn) }

func (st *State[T]) recordLocked(receipt string) []byte {
	cur, self := st.current.Load(), listenerRecord{st.self(), receipt}
	self.Applied, self.Status = cur.version, StatusApplied
	switch {
	case cur.deleted:
		self.Status = StatusDeleted
	case cur.rejected != nil:
		self.Newest = cur.newest
		self.Status, self.Reason = StatusRejected, cur.rejected.place()+cur.rejected.Reason
	}
	encoded, err := json.Marshal(self)
	if err != nil { // a clock beyond the year 9999
		self.Since = time.Time{}
		encoded, _ = json.Marshal(self)
	}
	return encoded
}

// ownRecord is what a State says of itself beyond its copy.
type ownRecord struct {
	since int64 // in milliseconds since 1970

	mu      sync.Mutex // guards receipt
	receipt string     // of the last commit that is known to be applied
}

// hostname is empty if it is not known.
var hostname = sync.OnceValue(func() string {
	host, _ := os.Hostname()
	return host
})

// self is what a State says of itself, but for its copy.
func (st *State[T]) self() Listener {
	return Listener{
		ID: st.cfg.id, Host: hostname(), PID: os.Getpid(), App: st.cfg.app, Since: time.UnixMilli(st.own.since).UTC(),
		MaxStaleness: st.cfg.maxStaleness,
	}
}

// receipt makes the receipt of the n-th commit, and the record with it.
func (st *State[T]) receipt(n int) (token string, record []byte) {
	st.own.mu.Lock()
	defer st.own.mu.Unlock()
	token = fmt.Sprintf("%s/%d/%d", st.cfg.id, st.own.since, n)
	return token, st.recordLocked(token)
}

// noteReceipt notes that the commit with that receipt was applied.
func (a *ownRecord) noteReceipt(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.receipt = token
}

// isOwn reports whether l is this State's own record, and not another one's with the
// same id.
func (st *State[T]) isOwn(l Listener) bool {
	if l.ID != st.cfg.id {
		return false
	}
	self := st.self()
	return l.Host == self.Host && l.PID == self.PID && l.Since.Equal(self.Since)
}
