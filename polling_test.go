package zkstate_test

import (
	"bytes"
	"context"
	"time"

	"github.com/zkstate/zkstate/store"
)

// polling is a watcher of listeners that lists them every 10 ms.
type polling struct {
	list  func(context.Context) ([]store.Listener, error)
	known map[string][]byte
}

func (p *polling) Stop() {}

func (p *polling) Next(ctx context.Context) (news store.ListenerNews, _ error) {
	for len(news.Changed)+len(news.Gone) == 0 {
		if p.known != nil {
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
				return news, ctx.Err()
			}
		}
		found, err := p.list(ctx)
		if err != nil {
			return news, err
		}
		before := p.known
		p.known = map[string][]byte{}
		for _, l := range found {
			if data, known := before[l.ID]; !known || !bytes.Equal(data, l.Data) {
				news.Changed = append(news.Changed, l)
			}
			p.known[l.ID] = l.Data
		}
		for id := range before {
			if _, there := p.known[id]; !there {
				news.Gone = append(news.Gone, id)
			}
		}
	}
	return news, nil
}
