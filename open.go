package zkstate

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/jsoncopy"
	"github.com/zkstate/zkstate/store"
)

// Open attaches to the document at path and creates it with the initial value if
// it does not exist. If several instances open at once, one creates and all
// attach; [State.Created] says which one. [NoCreate] and [CreateOnly] leave one of the two
// out. Open returns with a verified copy; only where [WithCache] has one, it returns at
// once with that, which is not verified yet. An initial value that is a json.RawMessage is
// stored as it is, white space included.
//
// Open blocks until the store answers, at most until ctx ends; ctx governs
// opening only. The store may be shared by any number of States and stays the
// caller's to close, after them. Errors: [ErrInvalidPath], [ErrInvalidID],
// [ErrNotFound], [ErrExists], [ErrRejected], [ErrTooLarge], [ErrDenied], [ErrAuthRequired], [ErrQuota],
// [ErrEphemeralParent], [ErrDamaged], [ErrClosed], what the initial value's Validate says,
// and, with the context's, [ErrUnavailable], or [ErrUnknownOutcome] if it is not known
// whether the document was created.
func Open[T any](ctx context.Context, s store.Store, path string, initial T, opts ...OpenOption) (*State[T], error) {
	return open(ctx, s, path, initial, newConfig(opts), (*State[T]).attachOrCreate)
}

// Expect attaches to the document at path. If it does not exist, Expect waits,
// until ctx ends, for somebody to create it. Otherwise it is like [Open]; if ctx
// ends first, the error matches both [ErrNotFound] and the context's.
func Expect[T any](ctx context.Context, s store.Store, path string, opts ...OpenOption) (*State[T], error) {
	var none T
	cfg := newConfig(opts)
	cfg.noCreate = true
	return open(ctx, s, path, none, cfg, (*State[T]).awaitCreation)
}

func open[T any](ctx context.Context, s store.Store, path string, initial T, cfg config, attach func(*State[T], context.Context) error) (*State[T], error) {
	if s == nil {
		return nil, fmt.Errorf("open %s: the store is nil: open one first: %w", path, ErrUnavailable)
	}
	if err := store.CheckPath(path); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if err := store.CheckID(cfg.id); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := checkCache(cfg.cache); cfg.cache != "" && err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if cfg.createOnly && cfg.noCreate {
		return nil, fmt.Errorf("open %s: CreateOnly goes neither with NoCreate or Observer nor with Expect: leave one out", path)
	}
	st := &State[T]{
		store: s, path: path, cfg: cfg, initial: initial, copier: jsoncopy.Of[T](),
		own: ownRecord{since: time.Now().UnixMilli()},
	}
	st.counters.adopted.Store(time.Now().UnixNano())
	st.ctx, st.stop = context.WithCancel(context.Background())
	st.follower.st = st
	st.watcher = s.Watch(path, cfg.period(), func() { st.follower.wake(isHinted) })
	cached := !cfg.createOnly && st.startFromCache()
	if !cached {
		if err := st.protect(func() error { return attach(st, ctx) }); err != nil {
			st.watcher.Stop()
			st.stop()
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
	}
	if err := st.startReporting(ctx, cached); err != nil {
		st.watcher.Stop()
		st.stop()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	st.follower.start()
	if cfg.cache != "" {
		st.tasks.start(st.keepCache)
	}
	return st, nil
}

// attachOrCreate is how Open gets its first copy.
func (st *State[T]) attachOrCreate(ctx context.Context) error {
	retry := backoff{max: time.Second}
	for {
		err := st.attach(ctx)
		if err == nil || st.cfg.createOnly && errors.Is(err, ErrExists) {
			return err
		}
		if ctx.Err() != nil {
			return unanswered(ctx, err)
		}
		again := errors.Is(err, ErrUnavailable) ||
			!st.cfg.createOnly && (errors.Is(err, ErrUnknownOutcome) || errors.Is(err, ErrExists)) ||
			!st.cfg.noCreate && errors.Is(err, ErrNotFound) // deleted since it was created
		if !again {
			return err
		}
		if !retry.wait(ctx) {
			return unanswered(ctx, err)
		}
	}
}

// attach tries once to load or create the document, as the options say.
func (st *State[T]) attach(ctx context.Context) error {
	if st.cfg.createOnly {
		return st.createOnly(ctx)
	}
	err := st.loadFirst(ctx, store.Creating)
	if errors.Is(err, ErrNotFound) && !st.cfg.noCreate {
		return st.create(ctx)
	}
	if err != nil {
		return err
	}
	return st.startJournal(ctx)
}

// createOnly creates the document. The journal of one that exists is left alone, also if
// it cannot be read.
func (st *State[T]) createOnly(ctx context.Context) error {
	if st.cfg.history > 0 {
		switch _, err := st.store.Load(ctx, st.path, Version{}, store.Creating); {
		case err == nil:
			return fmt.Errorf("the document %w", ErrExists)
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	return st.create(ctx)
}

// unanswered is the error of a call that ctx ended while the store was silent or
// failing.
func unanswered(ctx context.Context, cause error) error {
	if !errors.Is(cause, ErrUnavailable) && !errors.Is(cause, ErrUnknownOutcome) {
		cause = fmt.Errorf("%w: %w", ErrUnavailable, cause)
	}
	if errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w (%w)", cause, ctx.Err())
}

// awaitCreation is how Expect gets its first copy.
func (st *State[T]) awaitCreation(ctx context.Context) error {
	tick := time.NewTicker(st.cfg.refresh)
	defer tick.Stop()
	news := make(chan struct{}, 1)
	defer st.store.Watch(st.path, st.cfg.period(), func() {
		select {
		case news <- struct{}{}:
		default:
		}
	}).Stop()
	for {
		err := st.loadFirst(ctx, store.Linearizable)
		if ctx.Err() != nil && err != nil && !errors.Is(err, ErrNotFound) {
			return unanswered(ctx, err)
		}
		if err == nil {
			err = st.startJournal(ctx)
		}
		if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUnavailable) {
			return err
		}
		if !st.awaitNews(ctx, news, tick.C, errors.Is(err, ErrNotFound)) {
			if !errors.Is(err, ErrNotFound) {
				return unanswered(ctx, err)
			}
			return fmt.Errorf("%w: nobody created it in time: %w", err, ctx.Err())
		}
	}
}

// awaitNews waits until there may be a document, or the handle does not confirm any more that
// it is absent. It reports false if ctx ends first.
func (st *State[T]) awaitNews(ctx context.Context, news <-chan struct{}, tick <-chan time.Time, absent bool) bool {
	for {
		select {
		case <-news:
			return true
		case <-tick:
			if !absent || time.Since(st.watcher.Confirmed(Version{})) > 2*st.cfg.period() {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// loadFirst loads the document into a State that has no copy yet.
func (st *State[T]) loadFirst(ctx context.Context, mode store.Consistency) error {
	asked := st.now()
	rec, err := st.store.Load(ctx, st.path, Version{}, mode)
	if err != nil {
		return err
	}
	return st.startWith(st.observe(rec, asked, ""))
}

// startWith makes what was seen first the copy.
func (st *State[T]) startWith(o observation[T]) error {
	if o.rejected != nil && !st.cfg.tolerateRejected {
		return o.rejected
	}
	o.linearizable = true
	st.current.Store(&published[T]{snapshot: &snapshot[T]{value: st.initial}})
	st.publish(o)
	return nil
}

// create writes the initial value as a new document.
func (st *State[T]) create(ctx context.Context) error {
	value := st.initial
	if err := validate(&value); err != nil {
		return fmt.Errorf("the initial value is not valid: %w", err)
	}
	doc, err := marshal(value)
	if err != nil {
		return fmt.Errorf("encode the initial value: %w", err)
	}
	if raw, ok := any(value).(json.RawMessage); ok {
		doc = raw
	}
	made := st.observe(store.Record{Data: doc}, moment{}, st.cfg.id)
	if made.rejected != nil {
		return fmt.Errorf("the initial value does not survive encoding/json: %w", made.rejected)
	}
	if err := st.startJournal(ctx); err != nil {
		return err
	}
	none := &published[T]{snapshot: &snapshot[T]{}}
	made.asked = st.now()
	versions, err := st.commitJournaled(ctx, none, store.Create{Path: st.path, Data: doc}, "", []string{st.cfg.createReason})
	if err != nil {
		return err
	}
	st.created = versions[0]
	made.rec.Version = versions[0]
	return st.startWith(made)
}

// Created returns the version at which [Open] created the document, and false if there was a
// document already, or if the answer to the creation was lost.
func (st *State[T]) Created() (Version, bool) { return st.created, !st.created.IsZero() }

// newID is host, process and chance, in the characters that an id may have.
func newID() string {
	var chance [4]byte
	_, _ = rand.Read(chance[:]) // never fails, says crypto/rand
	host := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, cmp.Or(hostname(), "host"))
	return fmt.Sprintf("%.64s-%d-%s", host, os.Getpid(), hex.EncodeToString(chance[:]))
}
