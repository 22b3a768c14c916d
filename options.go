package zkstate

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/zkstate/zkstate/internal/guardedlog"
)

// What [WithMaxStaleness] and [WithRefresh] set, where they are not given.
const (
	DefaultMaxStaleness = 30 * time.Second
	DefaultRefresh      = 5 * time.Second
)

// OpenOption configures [Open] and [Expect].
type OpenOption func(*openConfig)

// openConfig is what options say.
type openConfig struct {
	config
	createReason     string
	noCreate         bool
	createOnly       bool
	tolerateRejected bool
	cache            string
	history          int
}

// config is what a State keeps of it.
type config struct {
	id           string
	app          string
	actor        string
	observer     bool
	quiet        bool
	maxStaleness time.Duration
	refresh      time.Duration
	logger       *slog.Logger
	mutated      func(error)
	tracer       Tracer
}

func newConfig(opts []OpenOption) openConfig {
	cfg := openConfig{config: config{
		app:          filepath.Base(os.Args[0]),
		maxStaleness: DefaultMaxStaleness,
		refresh:      DefaultRefresh,
		logger:       guardedlog.Of(nil),
	}}
	for _, opt := range opts {
		opt(&cfg)
	}
	if cfg.id == "" {
		cfg.id = newID()
	}
	return cfg
}

// Observer opens a State that writes nothing at all: it creates no document, has
// no listener record and refuses updates with [ErrReadOnly]. Read permission is
// enough. It implies NoCreate.
func Observer() OpenOption { return func(c *openConfig) { c.observer, c.noCreate = true, true } }

// NoCreate makes Open fail with [ErrNotFound] instead of creating the document.
func NoCreate() OpenOption { return func(c *openConfig) { c.noCreate = true } }

// CreateOnly makes Open fail with [ErrExists] if there is a document already. A file of
// [WithCache] is not started from. It excludes NoCreate, Observer and [Expect].
func CreateOnly() OpenOption { return func(c *openConfig) { c.createOnly = true } }

// WithCreateReason says why, in the journal, if Open creates the document and its journal
// is on. It is for Open what [WithReason] is for an update.
func WithCreateReason(text string) OpenOption { return func(c *openConfig) { c.createReason = text } }

// TolerateRejected lets Open succeed on a document that is rejected. Until
// somebody heals it, reads fail with [ErrRejected], and [State.Snapshot] and [State.Watch]
// give Open's initial value, unverified.
func TolerateRejected() OpenOption { return func(c *openConfig) { c.tolerateRejected = true } }

// WithID names this State among the document's listeners: 1 to 128 of [A-Za-z0-9._-],
// unique among open States. The default is made of host, process and chance. An
// id that another live State holds is taken as soon as that one is gone.
func WithID(id string) OpenOption { return func(c *openConfig) { c.id = id } }

// WithApp names the application in the listener record. The default is the base
// name of the program.
func WithApp(name string) OpenOption { return func(c *openConfig) { c.app = name } }

// WithActor names who makes this State's changes, as the user in the journal. The default is
// the environment variable ZKSTATE_ACTOR, else the user that the process runs as.
func WithActor(name string) OpenOption { return func(c *openConfig) { c.actor = name } }

// WithMaxStaleness bounds the age of what [State.Read] returns; what else depends on it calls
// it MaxStaleness. The default is 30 s; zero or
// less keeps the default.
func WithMaxStaleness(d time.Duration) OpenOption {
	return func(c *openConfig) {
		if d > 0 {
			c.maxStaleness = d
		}
	}
}

// WithRefresh is how often the copy is verified without any hint from the store. The
// default is 5 s; zero or less keeps the default. More than a third of MaxStaleness
// counts as a third of it.
func WithRefresh(d time.Duration) OpenOption {
	return func(c *openConfig) {
		if d > 0 {
			c.refresh = d
		}
	}
}

// WithLogger receives what a State does in the background and cannot return:
// failed refreshes, rejected documents, panics of callbacks. The default, and nil,
// discard it. Values of documents are never logged. A record on which the handler panics is lost.
func WithLogger(l *slog.Logger) OpenOption {
	return func(c *openConfig) { c.logger = guardedlog.Of(l) }
}

// WithCache keeps the last verified document in a file (mode 0600, replaced as a whole,
// checksummed), so that an application can start while the store is away: Open and
// Expect then return at once with the cached copy. [State.Snapshot] and [State.Watch] give it,
// and say that it is not verified; Read does not, until the store has confirmed or replaced it.
// Each State needs a file of its own. A file that is damaged, of another document,
// or that no longer fits T, is ignored; what is no regular file is an error of Open.
func WithCache(file string) OpenOption { return func(c *openConfig) { c.cache = file } }

// WithHistory switches the document's journal on, if it is off, to keep its newest n
// entries. From then on every commit of this library, in whatever process, writes one
// in the same transaction: the version, when, who, why, and the changes. How many are
// kept belongs to the document: where the journal is on already, n changes nothing. More
// than [store.MaxJournal] is [ErrTooLarge], an error of Open.
func WithHistory(n int) OpenOption { return func(c *openConfig) { c.history = n } }

// Quiet writes the listener record when the State opens and with its own commits, and
// not whenever it applies a version. Without it a State reports the first change after a
// quiet second at once, and then at most once a second; all listeners of a document
// together report about 50 times a second, however many they are, but for what
// [WaitAll] waits for, which they report at once. WaitAll does not hear from a quiet
// State.
func Quiet() OpenOption { return func(c *openConfig) { c.quiet = true } }

// WithMutationDetector calls report if a value that a read returned was written
// through, against the contract of snapshots. It costs one encoding of the
// value per change and per refresh: use it in tests. report runs on the State's
// own goroutines and must not call Close.
func WithMutationDetector(report func(error)) OpenOption {
	return func(c *openConfig) { c.mutated = report }
}

// UpdateOption configures one call of [State.Update], [State.Delete], [State.Rollback] or
// [Lock.Update].
type UpdateOption func(*updateConfig)

type updateConfig struct {
	ifVersion *Version
	noRetry   bool
	overwrite bool
	exclusive bool
	reason    string
	wait      wait
}

// alone reports whether the call shares no commit with others.
func (c updateConfig) alone() bool {
	return c.ifVersion != nil || c.noRetry || c.overwrite || c.exclusive
}

func newUpdateConfig(opts []UpdateOption) updateConfig {
	var cfg updateConfig
	for _, opt := range opts {
		opt(&cfg)
	}
	return cfg
}

// IfVersion makes the call return [ErrConflict] unless the document is at v.
func IfVersion(v Version) UpdateOption { return func(c *updateConfig) { c.ifVersion = &v } }

// NoRetry makes the call return [ErrConflict] instead of running again when
// somebody else committed first.
func NoRetry() UpdateOption { return func(c *updateConfig) { c.noRetry = true } }

// Overwrite lets an update replace a document that is rejected. The function
// then starts from the last good value, or from Open's initial value (after Expect: the
// zero value) if there never was one, and the whole result is written.
func Overwrite() UpdateOption { return func(c *updateConfig) { c.overwrite = true } }

// Exclusive takes the lock first: the function runs while no other exclusive writer
// of this document, in this or any other process, a program that uses the Rust crate
// included, runs theirs. That holds for as long as the lock does: when it is lost, with the
// store's session or by force, the next writer may run its function while this one still
// runs. What is fenced is the commit: nothing is written without the lock, and the function
// runs again under a new one. Writers that do not ask for the lock are kept from interfering
// by the version, as always.
//
// Instances get the lock in the order in which they asked for it. One that has it may carry
// out more of its own calls, for up to 50 ms, before it gives the lock up. While a [Lock] is
// held, no exclusive function runs. What is longer than one function is for [State.Lock].
func Exclusive() UpdateOption { return func(c *updateConfig) { c.exclusive = true } }

// WithReason says why, in the journal. Without a journal it is not kept.
func WithReason(text string) UpdateOption { return func(c *updateConfig) { c.reason = text } }

// ChangesOption configures one call of Changes, OnChange or Select.
type ChangesOption func(*changesConfig)

type changesConfig struct{ replay bool }

func newChangesConfig(opts []ChangesOption) (cfg changesConfig) {
	for _, opt := range opts {
		opt(&cfg)
	}
	return cfg
}

// Replay makes the first ChangeSet the whole document as one Added at the root, and the
// present value the first of [Select].
func Replay() ChangesOption { return func(c *changesConfig) { c.replay = true } }
