package zkserver

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Counts are what a server has counted of itself.
type Counts struct {
	Requests   int64 // that it was sent since it started, pings too
	Zxid       int64 // of the last transaction; failed ones have a zxid too
	Znodes     int64
	Ephemerals int64
	Watches    int64
}

// questions is how many requests Counts itself makes between one answer and the next.
const questions = 2

// Counts asks the server, for up to two seconds.
func (s *Server) Counts(ctx context.Context) (Counts, error) {
	status, err := askStatus(ctx, s.Addr())
	if err != nil {
		return Counts{}, err
	}
	answer, err := ask(ctx, s.Addr(), "mntr", answerTimeout)
	if err != nil {
		return Counts{}, err
	}
	c, err := parseCounts(answer)
	c.Zxid = int64(status.zxid)
	return c, err
}

// Since is what was counted between two questions, where nobody else asked: the difference of
// Requests is without the question's own.
func (c Counts) Since(before Counts) Counts {
	return Counts{
		Requests:   c.Requests - before.Requests - questions,
		Zxid:       c.Zxid - before.Zxid,
		Znodes:     c.Znodes - before.Znodes,
		Ephemerals: c.Ephemerals - before.Ephemerals,
		Watches:    c.Watches - before.Watches,
	}
}

func parseCounts(answer string) (c Counts, err error) {
	fields := map[string]*int64{
		"zk_packets_received": &c.Requests,
		"zk_znode_count":      &c.Znodes,
		"zk_ephemerals_count": &c.Ephemerals,
		"zk_watch_count":      &c.Watches,
	}
	for line := range strings.Lines(answer) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		field, ok := fields[key]
		if !ok {
			continue
		}
		delete(fields, key)
		if *field, err = strconv.ParseInt(value, 10, 64); err != nil {
			return Counts{}, fmt.Errorf("mntr: %w", err)
		}
	}
	if len(fields) > 0 {
		return Counts{}, fmt.Errorf("mntr: not all that is needed: %q", strings.TrimSpace(answer))
	}
	return c, nil
}
