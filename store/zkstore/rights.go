package zkstore

import (
	"crypto/sha1"
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"

	"github.com/zkstate/zkstate/internal/zk"
)

// rights is what ACLs give to a handle.
type rights struct {
	known         bool // the servers told the identities
	identities    []zk.Identity
	digests       []string // the ids of the handle's own digest credentials, user:hash
	authenticated bool     // the handle shows credentials
}

// digestID is what an ACL calls the owner of "user:password".
func digestID(secret string) string {
	user, _, _ := strings.Cut(secret, ":")
	sum := sha1.Sum([]byte(secret))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

// isAuthenticated reports whether the servers know more of the handle than its address.
func (r rights) isAuthenticated() bool {
	if !r.known {
		return r.authenticated
	}
	return slices.ContainsFunc(r.identities, func(i zk.Identity) bool { return i.Scheme != "ip" && i.Scheme != "world" })
}

// of returns the rights that an ACL gives, as far as it can be told from here.
func (r rights) of(acl []zk.ACL) (perms zk.Perms) {
	if slices.ContainsFunc(r.identities, func(i zk.Identity) bool { return i.Scheme == "super" }) {
		return zk.PermAll
	}
	for _, entry := range acl {
		if r.matches(entry) {
			perms |= entry.Perms
		}
	}
	return perms
}

func (r rights) matches(entry zk.ACL) bool {
	if isWorld(entry) {
		return true
	}
	return slices.ContainsFunc(r.identities, func(i zk.Identity) bool {
		if i.Scheme != entry.Scheme {
			return false
		}
		switch i.Scheme {
		case "ip":
			return containsAddress(entry.ID, i.User)
		case "digest":
			return r.matchesDigest(entry.ID, i.User)
		}
		return i.User == entry.ID
	})
}

// matchesDigest compares the hashes where both are known: servers tell the user of an
// identity only, leave the hash out of an ACL for those who may not change it, and can be
// configured to use another hash than SHA-1.
func (r rights) matchesDigest(id, user string) bool {
	name, hash, _ := strings.Cut(id, ":")
	if shown, _, _ := strings.Cut(user, ":"); name != shown {
		return false
	}
	own := slices.ContainsFunc(r.digests, func(own string) bool { return strings.HasPrefix(own, name+":") })
	comparable := own && len(hash) == base64.StdEncoding.EncodedLen(sha1.Size)
	return !comparable || slices.Contains(r.digests, id)
}

// containsAddress reports whether an ACL's address, with or without /bits, has another.
func containsAddress(network, address string) bool {
	own, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	if prefix, err := netip.ParsePrefix(network); err == nil {
		return prefix.Contains(own)
	}
	other, err := netip.ParseAddr(network)
	return err == nil && other == own
}

func isWorld(entry zk.ACL) bool { return entry.Scheme == "world" && entry.ID == "anyone" }

// String tells who the servers take the handle for.
func (r rights) String() string {
	if !r.known {
		return "not known: the server does not answer whoAmI, as those before 3.7"
	}
	var names []string
	for _, i := range r.identities {
		names = append(names, i.Scheme+":"+i.User)
	}
	text := strings.Join(names, ", ")
	if !r.isAuthenticated() {
		text += " (not authenticated)"
	}
	return strings.TrimPrefix(text, " ")
}

// aclText writes an ACL as ZooKeeper's command line does, without the hashes of passwords.
func aclText(acl []zk.ACL) string {
	shown := make(ACL, len(acl))
	for i, entry := range acl {
		id := entry.ID
		if user, _, ok := strings.Cut(id, ":"); ok && entry.Scheme == "digest" {
			id = user + ":x"
		}
		shown[i] = ACLEntry{Scheme: entry.Scheme, ID: id, Perms: permsOf(entry.Perms)}
	}
	return shown.String()
}

// permsOf is the reverse of [Perms.wire].
func permsOf(w zk.Perms) (p Perms) {
	for i, perm := range zkPerms {
		if w&perm != 0 {
			p |= 1 << i
		}
	}
	return p
}
