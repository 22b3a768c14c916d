package zkstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// latchHolder is the data of a place that this package makes.
type latchHolder struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

// holderData is the data of the places that this process takes under an id.
func holderData(id string) []byte {
	host, _ := os.Hostname() // an unknown host is an empty one
	data, _ := json.Marshal(latchHolder{id, host, os.Getpid()})
	return data
}

// Queue implements [store.Store]. The answer is linearizable.
func (s *Store) Queue(ctx context.Context, path string) ([]store.Waiter, error) {
	if err := store.CheckPath(path); err != nil {
		return nil, err
	}
	found, err := s.waiters(ctx, path)
	if err != nil {
		return nil, s.translate("read the lock queue of", path, err, false)
	}
	return found, nil
}

func (s *Store) waiters(ctx context.Context, path string) (found []store.Waiter, _ error) {
	session, replies, err := s.ordered(ctx, path, zk.Children{Path: s.queue(path)})
	if err == nil {
		err = replies[0].Err
	}
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names, err := inOrder(ctx, session, s.queue(path), places(replies[0].Children))
	if err != nil {
		return nil, err
	}
	var requests []zk.Request
	for _, name := range names {
		requests = append(requests, zk.Exists{Path: s.place(path, name)}, zk.Get{Path: s.place(path, name)})
	}
	if len(requests) == 0 {
		return nil, nil
	}
	answers, _ := session.Do(ctx, requests...) // each reply has its own error
	for i, name := range names {
		stat, data := answers[2*i], answers[2*i+1]
		if errors.Is(stat.Err, zk.ErrNoNode) { // it left meanwhile
			continue
		}
		w := store.Waiter{Key: name, ID: latchID(name), Since: time.UnixMilli(stat.Stat.Ctime)}
		switch owner := stat.Stat.EphemeralOwner; {
		case errors.Is(stat.Err, zk.ErrNoAuth):
			w.Session, w.Since = "unknown", time.Time{}
		case stat.Err != nil:
			return nil, stat.Err
		case owner != 0:
			w.Session = fmt.Sprintf("0x%x", owner)
		}
		var holder latchHolder
		if data.Err == nil && json.Unmarshal(data.Data, &holder) == nil {
			w.Host, w.PID = holder.Host, holder.PID
			if strings.HasPrefix(name, latchPrefix+holder.ID+"-") && holder.ID != "" {
				w.ID = holder.ID
			}
		}
		found = append(found, w)
	}
	return found, nil
}

// latchID returns the id in the name of a place.
func latchID(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(name[:len(name)-sequenceDigits], latchPrefix), "-")
}

// BreakLock implements [store.Store].
func (s *Store) BreakLock(ctx context.Context, path, key string) error {
	if err := store.CheckPath(path); err != nil {
		return err
	}
	if !isPlace(key) {
		return fmt.Errorf("break the lock of %s: place %q: %w", path, key, store.ErrNotFound)
	}
	_, err := s.call(ctx, zk.Delete{Path: s.place(path, key), Version: zk.AnyVersion})
	return s.translate("break the lock of", path, err, true)
}
