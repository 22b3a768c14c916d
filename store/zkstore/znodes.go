package zkstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// describedEntries is how many of a journal's entries are described.
const describedEntries = 20

// znode is one of those that a document consists of.
type znode struct {
	full string
	kind znodeKind
	stat zk.Stat
	acl  []zk.ACL
	err  error // why its ACL cannot be read
}

// znodeKind is what a znode is to its document.
type znodeKind int

const (
	theFolder znodeKind = iota
	thePayload
	theListeners
	theRoster
	theQueue
	theHistory
	aRecord
	anEntryOfTheRoster
	aPlace
	aJournalEntry
	kinds
)

// fixed are the znodes of which a document has one, in the order of their kinds.
func (in *inspection) fixed() []string {
	s := in.store
	return []string{s.folder(in.path), s.payload(in.path), s.listeners(in.path), s.roster(in.path), s.queue(in.path), s.history(in.path)}
}

// readZnodes reads the ACLs and Stats of all znodes that the document has.
func (in *inspection) readZnodes(ctx context.Context) error {
	fixed := in.fixed()
	var requests []zk.Request
	for _, full := range fixed {
		requests = append(requests, zk.GetACL{Path: full})
	}
	for _, full := range fixed[theListeners:] {
		requests = append(requests, zk.Children{Path: full})
	}
	session, replies, err := in.store.ordered(ctx, in.path, requests...)
	if err != nil {
		return err
	}
	in.session, in.found.Entries = session, -1
	for i, full := range fixed {
		if err := in.addZnode(full, znodeKind(i), replies[i]); err != nil {
			return err
		}
	}
	for i, full := range fixed[theListeners:] {
		if err := in.readChildren(ctx, full, aRecord+znodeKind(i), replies[len(fixed)+i]); err != nil {
			return err
		}
	}
	return nil
}

// addZnode notes an answer to GetACL. What is gone, or never was, is left out.
func (in *inspection) addZnode(full string, kind znodeKind, reply zk.Reply) error {
	switch {
	case errors.Is(reply.Err, zk.ErrNoNode):
		return nil
	case reply.Err != nil && !refused(reply.Err):
		return reply.Err
	}
	z := znode{full: full, kind: kind, stat: reply.Stat, acl: reply.ACL}
	if reply.Err != nil {
		z.err = in.store.translate("read the ACL of", full, reply.Err, false)
	}
	in.znodes = append(in.znodes, z)
	return nil
}

// readChildren reads the znodes below one that a document has one of.
func (in *inspection) readChildren(ctx context.Context, folder string, kind znodeKind, reply zk.Reply) error {
	names := reply.Children
	if kind == aJournalEntry {
		switch {
		case errors.Is(reply.Err, zk.ErrNoNode):
			in.found.Entries = 0
		case reply.Err == nil:
			in.found.Entries = len(names)
		}
	}
	switch {
	case errors.Is(reply.Err, zk.ErrTooLarge) || refused(reply.Err):
		return nil // its ACL says more of it
	case reply.Err != nil:
		return reply.Err
	}
	slices.Sort(names)
	if kind == aJournalEntry {
		names = names[max(0, len(names)-describedEntries):]
	}
	for batch := range slices.Chunk(names, readBatch) {
		requests := make([]zk.Request, len(batch))
		for i, name := range batch {
			requests[i] = zk.GetACL{Path: folder + "/" + name}
		}
		replies, _ := in.session.Do(ctx, requests...) // each reply has its own error
		for i, name := range batch {
			if err := in.addZnode(folder+"/"+name, kind, replies[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// describeZnodes makes the parts, children behind their folders.
func (in *inspection) describeZnodes() {
	slices.SortStableFunc(in.znodes, func(a, b znode) int { return strings.Compare(a.full, b.full) })
	for _, z := range in.znodes {
		part := store.Part{Name: z.full, Size: int64(z.stat.DataLength), Children: int(z.stat.NumChildren), Access: aclText(z.acl), Err: z.err}
		if z.stat.EphemeralOwner != 0 {
			part.Owner = fmt.Sprintf("0x%x", z.stat.EphemeralOwner)
		}
		in.found.Parts = append(in.found.Parts, part)
	}
}

// cliWord writes a path as one word of ZooKeeper's command line.
func cliWord(full string) string {
	switch {
	case strings.ContainsRune(full, '"'):
		return "'" + full + "'"
	case strings.ContainsAny(full, " '"):
		return `"` + full + `"`
	}
	return full
}
