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
	return open(ctx, s, path, initial, newConfig(opts), (*opening[T]).attachOrCreate)
}

// Expect attaches to the document at path. If it does not exist, Expect waits,
// until ctx ends, for somebody to create it. Otherwise it is like [Open]; if ctx
// ends first, the error matches both [ErrNotFound] and the context's.
func Expect[T any](ctx context.Context, s store.Store, path string, opts ...OpenOption) (*State[T], error) {
	var none T
	cfg := newConfig(opts)
	cfg.noCreate = true
	return open(ctx, s, path, none, cfg, (*opening[T]).awaitCreation)
}

// opening is what a State has only while it is opened.
type opening[T any] struct {
	*State[T]
	how     openConfig
	initial T
}

func open[T any](ctx context.Context, s store.Store, path string, initial T, cfg openConfig, attach func(*opening[T], context.Context) error) (*State[T], error) {
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
		store: s, path: path, cfg: cfg.config,
		own: ownRecord{since: time.Now().UnixMilli()},
	}
	st.counters.adopted.Store(time.Now().UnixNano())
	st.ctx, st.stop = context.WithCancel(context.Background())
	st.follower.st = st
	st.watcher = s.Watch(path, cfg.period(), func() { st.follower.wake(isHinted) })
	o := &opening[T]{st, cfg, initial}
	cached := !cfg.createOnly && o.startFromCache()
	if !cached {
		if err := st.protect(func() error { return attach(o, ctx) }); err != nil {
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
		st.tasks.start(func() { st.keepCache(cfg.cache) })
	}
	return st, nil
}

// attachOrCreate is how Open gets its first copy.
func (o *opening[T]) attachOrCreate(ctx context.Context) error {
	retry := backoff{max: time.Second}
	for {
		err := o.attach(ctx)
		if err == nil || o.how.createOnly && errors.Is(err, ErrExists) {
			return err
		}
		if ctx.Err() != nil {
			return unanswered(ctx, err)
		}
		again := errors.Is(err, ErrUnavailable) ||
			!o.how.createOnly && (errors.Is(err, ErrUnknownOutcome) || errors.Is(err, ErrExists)) ||
			!o.how.noCreate && errors.Is(err, ErrNotFound) // deleted since it was created
		if !again {
			return err
		}
		if !retry.wait(ctx) {
			return unanswered(ctx, err)
		}
	}
}

// attach tries once to load or create the document, as the options say.
func (o *opening[T]) attach(ctx context.Context) error {
	if o.how.createOnly {
		return o.createOnly(ctx)
	}
	err := o.loadFirst(ctx, store.Creating)
	if errors.Is(err, ErrNotFound) && !o.how.noCreate {
		return o.create(ctx)
	}
	if err != nil {
		return err
	}
	return o.startJournal(ctx)
}

// createOnly creates the document. The journal of one that exists is left alone, also if
// it cannot be read.
func (o *opening[T]) createOnly(ctx context.Context) error {
	if o.how.history > 0 {
		switch _, err := o.store.Load(ctx, o.path, Version{}, store.Creating); {
		case err == nil:
			return fmt.Errorf("the document %w", ErrExists)
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	return o.create(ctx)
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
func (o *opening[T]) awaitCreation(ctx context.Context) error {
	tick := time.NewTicker(o.cfg.refresh)
	defer tick.Stop()
	news := make(chan struct{}, 1)
	defer o.store.Watch(o.path, o.cfg.period(), func() {
		select {
		case news <- struct{}{}:
		default:
		}
	}).Stop()
	for {
		err := o.loadFirst(ctx, store.Linearizable)
		if ctx.Err() != nil && err != nil && !errors.Is(err, ErrNotFound) {
			return unanswered(ctx, err)
		}
		if err == nil {
			err = o.startJournal(ctx)
		}
		if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUnavailable) {
			return err
		}
		if !o.awaitNews(ctx, news, tick.C, errors.Is(err, ErrNotFound)) {
			if !errors.Is(err, ErrNotFound) {
				return unanswered(ctx, err)
			}
			return fmt.Errorf("%w: nobody created it in time: %w", err, ctx.Err())
		}
	}
}

// awaitNews waits until there may be a document, or the handle does not confirm any more that
// it is absent. It reports false if ctx ends first.
func (o *opening[T]) awaitNews(ctx context.Context, news <-chan struct{}, tick <-chan time.Time, absent bool) bool {
	for {
		select {
		case <-news:
			return true
		case <-tick:
			if !absent || time.Since(o.watcher.Confirmed(Version{})) > 2*o.cfg.period() {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// loadFirst loads the document into a State that has no copy yet.
func (o *opening[T]) loadFirst(ctx context.Context, mode store.Consistency) error {
	asked := o.now()
	rec, err := o.store.Load(ctx, o.path, Version{}, mode)
	if err != nil {
		return err
	}
	return o.startWith(o.observe(rec, asked, ""))
}

// startWith makes what was seen first the copy.
func (o *opening[T]) startWith(seen observation[T]) error {
	if seen.rejected != nil && !o.how.tolerateRejected {
		return seen.rejected
	}
	seen.linearizable = true
	o.current.Store(&published[T]{snapshot: &snapshot[T]{value: o.initial}})
	o.publish(seen)
	return nil
}

// create writes the initial value as a new document.
func (o *opening[T]) create(ctx context.Context) error {
	value := o.initial
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
	made := o.observe(store.Record{Data: doc}, moment{}, o.cfg.id)
	if made.rejected != nil {
		return fmt.Errorf("the initial value does not survive encoding/json: %w", made.rejected)
	}
	if err := o.startJournal(ctx); err != nil {
		return err
	}
	none := &published[T]{snapshot: &snapshot[T]{}}
	made.asked = o.now()
	versions, err := o.commitJournaled(ctx, none, store.Create{Path: o.path, Data: doc}, "", []string{o.how.createReason})
	if err != nil {
		return err
	}
	o.created = versions[0]
	made.rec.Version = versions[0]
	return o.startWith(made)
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
