package sqlitestore

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// writeLockByte is the byte of the -shm file that SQLite locks while it writes
// (https://sqlite.org/walformat.html, "WAL Locks").
const writeLockByte = 120

// writerOf says which process is in a write transaction on file, "" if that cannot be
// found out. It reads the kernel's list of locks: to open the -shm file and ask there
// would drop this process's own locks on it when it is closed again.
func writerOf(file string) string {
	info, err := os.Stat(file + "-shm")
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	list, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(list)) {
		if pid := writerIn(line, stat.Ino); pid > 0 {
			return describe(pid)
		}
	}
	return ""
}

// writerIn reads a line such as "1: POSIX  ADVISORY  WRITE 4711 08:01:131 120 120" and
// returns the process, 0 if the line is of another lock.
func writerIn(line string, inode uint64) int {
	fields := strings.Fields(line)
	if len(fields) != 8 || fields[1] != "POSIX" || fields[3] != "WRITE" {
		return 0
	}
	first, err1 := strconv.ParseInt(fields[6], 10, 64)
	last, err2 := strconv.ParseInt(fields[7], 10, 64)
	pid, err3 := strconv.Atoi(fields[4])
	if err1 != nil || err2 != nil || err3 != nil || first > writeLockByte || last < writeLockByte ||
		!strings.HasSuffix(fields[5], ":"+strconv.FormatUint(inode, 10)) {
		return 0
	}
	return pid
}

// describe names a process and says if it is stopped, which is why it does not go on.
func describe(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if at := bytes.LastIndexByte(stat, ')'); err == nil && at >= 0 && bytes.HasPrefix(stat[at+1:], []byte(" T")) {
		return fmt.Sprintf("process %d, which is stopped", pid)
	}
	return fmt.Sprintf("process %d", pid)
}
