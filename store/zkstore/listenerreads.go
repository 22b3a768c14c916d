package zkstore

import (
	"context"
	"errors"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// unreadIDs returns records that no call has told of yet, as many as are read together.
func (w *listenerWatch) unreadIDs() (ids []string) {
	for id, read := range w.read {
		if !read {
			if ids = append(ids, id); len(ids) == recordBatch {
				break
			}
		}
	}
	return ids
}

// fetch reads records in one round trip.
func (w *listenerWatch) fetch(ctx context.Context, ids []string, news *store.ListenerNews) error {
	results, err := w.get(ctx, ids)
	if err != nil {
		w.putBack(ids, false)
		return err
	}
	for i, id := range ids {
		read, there := w.read[id]
		switch err := results[i].Err; {
		case errors.Is(err, zk.ErrNoNode):
			delete(w.read, id)
			if there {
				news.Gone = append(news.Gone, id)
			}
		case err == nil:
			w.read[id] = true
			news.Changed = append(news.Changed, store.Listener{ID: id, Data: append([]byte{}, results[i].Data...)})
		case refused(err) || errors.Is(err, zk.ErrTooLarge):
			w.read[id] = true
			err = w.store.translate("read the record of listener "+id+" of", w.path, err, false)
			news.Changed = append(news.Changed, store.Listener{ID: id, Err: err})
		default:
			w.putBack(ids[i:], false)
			return err
		}
		if there && !read {
			w.unread--
		}
	}
	return nil
}

// get reads records in one request, or with a request each where that cannot be done:
// each is to set a watch, or they are too large together.
func (w *listenerWatch) get(ctx context.Context, ids []string) ([]zk.Result, error) {
	gets := make([]zk.Query, len(ids))
	requests := make([]zk.Request, len(ids))
	for i, id := range ids {
		get := zk.Get{Path: w.store.record(w.path, id), Watch: w.oneShot}
		gets[i], requests[i] = get, get
	}
	if !w.oneShot {
		reply, err := w.store.call(ctx, zk.MultiRead(gets))
		if err == nil || !errors.Is(err, zk.ErrTooLarge) {
			return reply.Results, err
		}
	}
	replies, err := w.store.do(ctx, requests...)
	if len(replies) == 0 {
		return nil, err
	}
	results := make([]zk.Result, len(replies))
	for i, reply := range replies {
		results[i] = reply.Result // each has its own error
	}
	return results, nil
}
