package zkstore

import (
	"fmt"
	"strings"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store"
)

// The rights that a State needs of each znode that there is one of, beside reading. The
// roster is not among them: where it may not be written, listeners go without.
var needed = []struct {
	kind  znodeKind
	perms zk.Perms
}{
	{thePayload, zk.PermWrite},
	{theListeners, zk.PermCreate | zk.PermDelete},
	{theQueue, zk.PermCreate | zk.PermDelete},
	{theHistory, zk.PermCreate | zk.PermDelete},
}

// findOddZnodes looks for what is odd about the znodes of a document.
func (in *inspection) findOddZnodes() {
	in.findUnreadable()
	in.findWorldWritable()
	in.findForeign()
	for _, z := range in.znodes {
		if z.kind == aRecord && z.err == nil && z.stat.EphemeralOwner == 0 {
			in.odd(store.Finding{
				Check: "record-left-behind", Severity: store.SeverityWarning, About: z.full,
				Problem:  "this record of a listener belongs to no session, so it stays when its owner ends, and --wait all waits for it in vain",
				Advice:   "whoever made it made it persistent: remove it",
				Commands: []string{"delete " + cliWord(z.full)}, In: store.InZooKeeperCLI,
			})
		}
	}
}

// findUnreadable looks for what this handle may not read. The payload is left to who loads it.
func (in *inspection) findUnreadable() {
	var denied []znode
	var commands []string
	for _, z := range in.znodes {
		if z.err != nil && z.kind != thePayload {
			denied, commands = append(denied, z), append(commands, "getAcl "+cliWord(z.full))
		}
	}
	if len(denied) > 0 {
		in.odd(store.Finding{
			Check: "unreadable", Severity: store.SeverityWarning, About: names(denied),
			Problem:  fmt.Sprintf("%s may not read %d znodes of the document", in.rights, len(denied)),
			Advice:   "run doctor as the application; or, as somebody who may change their ACLs, give this identity the right r",
			Commands: commands, In: store.InZooKeeperCLI,
		})
	}
}

// findWorldWritable looks for what everybody may change although the application is known
// to the servers by name.
func (in *inspection) findWorldWritable() {
	const changes = zk.PermWrite | zk.PermCreate | zk.PermDelete | zk.PermAdmin
	var open []znode
	for _, z := range in.znodes {
		for _, entry := range z.acl {
			if isWorld(entry) && entry.Perms&changes != 0 && z.stat.EphemeralOwner == 0 {
				open = append(open, z)
				break
			}
		}
	}
	switch {
	case len(open) == 0:
	case !in.rights.isAuthenticated():
		in.odd(store.Finding{
			Check: "open", Severity: store.SeverityNote, About: in.store.folder(in.path),
			Problem: "whoever reaches the servers may change the document, and this handle shows no credentials",
			Advice:  "show credentials, so that what is created belongs to the application: see docs/SECURING.md",
		})
	default:
		in.odd(store.Finding{
			Check: "world-writable", Severity: store.SeverityWarning, About: names(open),
			Problem:  fmt.Sprintf("everybody may change %d znodes of the document, although this handle is known as %s", len(open), in.rights),
			Advice:   "authenticated as the application, give them to it alone (auth:: stands for who is authenticated)",
			Commands: takeOver(open), In: store.InZooKeeperCLI,
		})
	}
}

// takeOver returns the commands that give znodes to who is authenticated. What is below the
// document's folder may be other documents, and what is below its other znodes is its own.
func takeOver(znodes []znode) (commands []string) {
	var whole string // with all that is below, in the command before
	for _, z := range znodes {
		switch {
		case z.kind == theFolder:
			commands = append(commands, "setAcl "+cliWord(z.full)+" auth::cdrwa")
		case whole == "" || !strings.HasPrefix(z.full, whole+"/"):
			whole = z.full
			commands = append(commands, "setAcl -R "+cliWord(z.full)+" auth::cdrwa")
		}
	}
	return commands
}

// names lists znodes, if they are many the first ones.
func names(znodes []znode) string {
	const listed = 3
	var b strings.Builder
	for i, z := range znodes {
		if i == listed {
			fmt.Fprintf(&b, " and %d more", len(znodes)-listed)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(z.full)
	}
	return b.String()
}

// findForeign looks for what keeps this handle from writing. Who may not change the
// payload is taken for somebody who only reads.
func (in *inspection) findForeign() {
	if !in.rights.known {
		return
	}
	var found [kinds]*znode
	for i, z := range in.znodes {
		if z.err == nil && z.kind <= theHistory {
			found[z.kind] = &in.znodes[i]
		}
	}
	if payload := found[thePayload]; payload != nil && in.lacks(payload, zk.PermWrite) != 0 {
		in.odd(store.Finding{
			Check: "read-only", Severity: store.SeverityNote, About: payload.full,
			Problem:  fmt.Sprintf("its ACL %s lets %s read it and not change it", aclText(payload.acl), in.rights),
			Advice:   "run doctor as the application to see what that may do; the same user with another password is somebody else, too",
			Commands: []string{"getAcl " + cliWord(payload.full)}, In: store.InZooKeeperCLI,
		})
		return
	}
	folder, missing := found[theFolder], false
	for _, need := range needed {
		if z := found[need.kind]; z != nil {
			in.checkRights(z, need.perms, folder)
		} else if need.kind != theHistory {
			missing = true
		}
	}
	if folder != nil && missing {
		in.checkRights(folder, zk.PermCreate, nil)
	}
}

// lacks returns which of some rights this handle does not have.
func (in *inspection) lacks(z *znode, perms zk.Perms) zk.Perms { return perms &^ in.rights.of(z.acl) }

// checkRights says which rights this handle lacks. What is empty can be removed by who may
// delete in its folder.
func (in *inspection) checkRights(z *znode, perms zk.Perms, folder *znode) {
	missing := in.lacks(z, perms)
	if missing == 0 {
		return
	}
	f := store.Finding{
		Check: "foreign-acl", Severity: store.SeverityWarning, About: z.full,
		Problem: fmt.Sprintf("its ACL %s gives %s no right %s, which programs need there that open the document",
			aclText(z.acl), in.rights, permsOf(missing)),
		Advice:   "have somebody of the right a give these rights to this identity, beside those that are there",
		Commands: []string{"getAcl " + cliWord(z.full)}, In: store.InZooKeeperCLI,
	}
	if folder != nil && z.stat.NumChildren == 0 && z.kind != thePayload && in.lacks(folder, zk.PermDelete) == 0 {
		f.Advice = "it is empty, and this identity may remove it: the next program that needs it makes it anew"
		f.Commands = []string{"delete " + cliWord(z.full)}
	}
	in.odd(f)
}
