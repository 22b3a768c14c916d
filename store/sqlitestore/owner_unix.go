//go:build unix

package sqlitestore

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// ownerOf returns whose a file is, by name or, where there is none, by number.
func ownerOf(info fs.FileInfo) (owner, group string, groupID int) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", "", -1
	}
	owner, group = strconv.Itoa(int(stat.Uid)), strconv.Itoa(int(stat.Gid))
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return owner, group, int(stat.Gid)
}
