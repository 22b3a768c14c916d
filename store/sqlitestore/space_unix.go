//go:build linux || darwin || freebsd || dragonfly

package sqlitestore

import "golang.org/x/sys/unix"

// availableBytes returns how many bytes this user may still write where a file is.
func availableBytes(file string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(file, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil
}
