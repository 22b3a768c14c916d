package zkstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// nearQuota is the share of a quota, in percent, from which on it is near.
const nearQuota = 80

// quotaKind is one of the limits that a quota may have.
type quotaKind struct {
	limit, used string // what they are called in the servers' znodes
	what        string
	option      string // of setquota
	hard        bool   // servers with enforceQuota=true refuse what goes beyond it; else they only log it
}

var quotaKinds = []quotaKind{
	{"count", "count", "znodes", "-n", false},
	{"bytes", "bytes", "bytes", "-b", false},
	{"countHardLimit", "count", "znodes", "-N", true},
	{"byteHardLimit", "bytes", "bytes", "-B", true},
}

// readQuotas tells of the quotas on the document's folder and those above it.
func (in *inspection) readQuotas(ctx context.Context) error {
	var paths []string
	var requests []zk.Request
	for full := in.store.folder(in.path); full != ""; full = full[:strings.LastIndexByte(full, '/')] {
		paths = append(paths, full)
		for _, name := range []string{"/zookeeper_limits", "/zookeeper_stats"} {
			requests = append(requests, zk.Get{Path: "/zookeeper/quota" + full + name})
		}
	}
	replies, _ := in.session.Do(ctx, requests...) // each reply has its own error
	var quotas []string
	for i, full := range paths {
		limits, stats := replies[2*i], replies[2*i+1]
		switch err := cmp.Or(limits.Err, stats.Err); {
		case errors.Is(err, zk.ErrNoNode):
		case err != nil && !refused(err):
			return err
		case err != nil:
			quotas = append(quotas, "of "+full+" not known: it may not be read")
		default:
			quotas = append(quotas, in.checkQuota(full, numbers(limits.Data), numbers(stats.Data))...)
		}
	}
	in.tell("quota", cmp.Or(strings.Join(quotas, "; "), "none"))
	return nil
}

// numbers reads what servers keep of a quota, such as "count=5,bytes=-1;byteHardLimit=7".
func numbers(data []byte) map[string]int64 {
	found := make(map[string]int64)
	for field := range strings.FieldsFuncSeq(string(data), func(r rune) bool { return r == ',' || r == ';' }) {
		name, value, _ := strings.Cut(field, "=")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			found[name] = n
		}
	}
	return found
}

// checkQuota describes the limits of one quota, and finds those that are near.
func (in *inspection) checkQuota(full string, limits, stats map[string]int64) (described []string) {
	for _, kind := range quotaKinds {
		limit, used := limits[kind.limit], stats[kind.used]
		if limit <= 0 {
			continue
		}
		use := fmt.Sprintf("%d of %d %s", used, limit, kind.what)
		described = append(described, full+": "+use)
		if used*100 < limit*nearQuota {
			continue
		}
		problem := use + " of the quota are used"
		if kind.hard {
			problem += "; servers with enforceQuota=true refuse what goes beyond it"
		}
		in.odd(store.Finding{
			Check: "quota", Severity: store.SeverityWarning, About: full, Problem: problem,
			Advice:   "remove what is not needed below it, or set a larger quota",
			Commands: []string{fmt.Sprintf("setquota %s %d %s", kind.option, 2*used, cliWord(full))}, In: store.InZooKeeperCLI,
		})
	}
	return described
}
