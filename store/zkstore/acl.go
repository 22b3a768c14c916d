package zkstore

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zkstate/zkstate/internal/zk"
)

// ErrACL means that a text or an [ACL] gives no rights that ZooKeeper could keep.
// Errors that match it show nothing of it, as it may have a password by mistake.
var ErrACL = errors.New("not an ACL")

// maxACL bounds an ACL's text, in bytes: it is sent with every znode that is created.
const maxACL = 16 << 10

// Perms are rights on one znode, not on those below it.
type Perms uint8

// The rights, in the order in which they are written: cdrwa.
const (
	PermCreate Perms = 1 << iota // children
	PermDelete                   // children
	PermRead                     // its data, and the names of its children
	PermWrite                    // its data
	PermAdmin                    // its ACL
	PermAll    = PermCreate | PermDelete | PermRead | PermWrite | PermAdmin
)

// permLetters are the rights in their order, and zkPerms what ZooKeeper calls them.
const permLetters = "cdrwa"

var zkPerms = [...]zk.Perms{zk.PermCreate, zk.PermDelete, zk.PermRead, zk.PermWrite, zk.PermAdmin}

// String writes the rights as zkCli does, such as cdrwa.
func (p Perms) String() string {
	var b strings.Builder
	for i, letter := range permLetters {
		if p&(1<<i) != 0 {
			b.WriteRune(letter)
		}
	}
	return b.String()
}

func (p Perms) wire() (w zk.Perms) {
	for i, perm := range zkPerms {
		if p&(1<<i) != 0 {
			w |= perm
		}
	}
	return w
}

// ACLEntry gives rights to whom a scheme knows by an id.
type ACLEntry struct {
	Scheme string // such as x509, sasl, digest, ip, world or auth
	ID     string // as the scheme writes it: CN=app for x509, anyone for world, "" for auth
	Perms  Perms
}

// ACL says who has which rights on a znode. The order of the entries has no meaning.
type ACL []ACLEntry

// The ACLs that have names.
var (
	// CreatorACL gives all rights to whom the server knows the creating connection as, by
	// whatever means, and none to others. A server refuses to create anything with it for
	// a connection that it does not know.
	CreatorACL = ACL{{Scheme: "auth", Perms: PermAll}}
	// ReadACL is CreatorACL, and everybody may read.
	ReadACL = ACL{{Scheme: "auth", Perms: PermAll}, {Scheme: "world", ID: "anyone", Perms: PermRead}}
	// OpenACL gives all rights to everybody.
	OpenACL = ACL{{Scheme: "world", ID: "anyone", Perms: PermAll}}
)

// ParseACL reads creator, read or open, or a list as zkCli has it,
// SCHEME:ID:PERMS,SCHEME:ID:PERMS. PERMS are some of the letters cdrwa. The scheme ends at
// the first colon and the id at the last one, so an id may have colons and equal signs. A
// comma within an id, as in the names of certificates, is written \, which zkCli has no way
// for:
//
//	x509:CN=app\,O=Acme:cdrwa,sasl:ops:r
//
// What zkCli skips with a warning is refused here. So is what a server would refuse, or
// take for something else than was meant: no rights, an unknown letter, a scheme that is no
// word, control characters, an id with auth, another id than anyone with world, an id of
// digest without the hash, and more than 16 KiB of text. Errors match [ErrACL].
func ParseACL(text string) (ACL, error) {
	switch text {
	case "creator":
		return slices.Clone(CreatorACL), nil
	case "read":
		return slices.Clone(ReadACL), nil
	case "open":
		return slices.Clone(OpenACL), nil
	}
	if len(text) > maxACL {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrACL, maxACL)
	}
	var acl ACL
	for n, piece := range splitACL(text) {
		entry, err := parseEntry(piece)
		if err == nil {
			err = entry.check()
		}
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrACL, n+1, err)
		}
		acl = append(acl, entry)
	}
	return acl, nil
}

// splitACL splits at the commas that no backslash stands before.
func splitACL(text string) []string {
	var pieces []string
	var piece strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == ',':
			piece.WriteByte(',')
			i++
		case text[i] == ',':
			pieces = append(pieces, piece.String())
			piece.Reset()
		default:
			piece.WriteByte(text[i])
		}
	}
	return append(pieces, piece.String())
}

func parseEntry(text string) (ACLEntry, error) {
	first, last := strings.IndexByte(text, ':'), strings.LastIndexByte(text, ':')
	if first == last {
		return ACLEntry{}, errors.New(`it must be SCHEME:ID:PERMS, such as sasl:ops:r, and a comma within the id is written \,`)
	}
	perms, err := parsePerms(text[last+1:])
	return ACLEntry{Scheme: text[:first], ID: text[first+1 : last], Perms: perms}, err
}

func parsePerms(letters string) (perms Perms, _ error) {
	for _, letter := range letters {
		at := strings.IndexRune(permLetters, letter)
		if at < 0 {
			return 0, errors.New("behind the last colon there must be nothing but the letters cdrwa: create, delete, read, write, administer")
		}
		perms |= 1 << at
	}
	return perms, nil
}

// String writes the ACL so that ParseACL reads the same again.
func (a ACL) String() string {
	entries := make([]string, len(a))
	for i, e := range a {
		entries[i] = e.Scheme + ":" + strings.ReplaceAll(e.ID, ",", `\,`) + ":" + e.Perms.String()
	}
	return strings.Join(entries, ",")
}

// check refuses what a server would refuse, or misunderstand. An error of one matches
// ErrACL.
func (a ACL) check() error {
	if len(a.String()) > maxACL {
		return fmt.Errorf("%w: it is longer than %d bytes", ErrACL, maxACL)
	}
	for n, entry := range a {
		if err := entry.check(); err != nil {
			return fmt.Errorf("%w: entry %d: %w", ErrACL, n+1, err)
		}
	}
	return nil
}

func (e ACLEntry) check() error {
	switch {
	case e.Scheme == "" || strings.ContainsFunc(e.Scheme, notInScheme):
		return errors.New("the scheme must be a word, such as x509, sasl, digest, ip, world or auth")
	case e.Perms == 0 || e.Perms > PermAll:
		return errors.New("it must give some of the rights cdrwa")
	case !utf8.ValidString(e.ID) || strings.ContainsFunc(e.ID, unicode.IsControl):
		return errors.New("the id has a character that cannot be shown")
	case e.Scheme == "auth":
		if e.ID != "" {
			return errors.New("auth has no id, as in auth::cdrwa: it means whoever creates the znode")
		}
	case e.ID == "":
		return errors.New("the id is missing")
	case e.Scheme == "world" && e.ID != "anyone":
		return errors.New("the id of world is anyone")
	case e.Scheme == "digest" && !isDigest(e.ID):
		return errors.New("the id of digest is USER:HASH, with the hash in place of the password, base64(sha1(USER:PASSWORD))")
	}
	return nil
}

func notInScheme(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.')
}

// isDigest knows user:hash from a password that somebody took for the hash.
func isDigest(id string) bool {
	user, hash, _ := strings.Cut(id, ":")
	sum, err := base64.StdEncoding.Strict().DecodeString(hash)
	return user != "" && err == nil && len(sum) == 20 && !strings.ContainsAny(hash, "\r\n")
}

func (a ACL) wire() []zk.ACL {
	entries := make([]zk.ACL, len(a))
	for i, e := range a {
		entries[i] = zk.ACL{Perms: e.Perms.wire(), Scheme: e.Scheme, ID: e.ID}
	}
	return entries
}

// shareable is the ACL of a folder that belongs to no document: whoever it admits, and
// everybody may look and create in it, but not delete.
func (a ACL) shareable() ACL {
	const share = PermCreate | PermRead
	var shared ACL
	everybody := ACLEntry{Scheme: "world", ID: "anyone", Perms: share}
	for _, e := range a {
		if e.Scheme == "world" {
			everybody.Perms |= e.Perms
		} else {
			shared = append(shared, e)
		}
	}
	return append(shared, everybody)
}
