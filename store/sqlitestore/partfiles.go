package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/zkstate/zkstate/internal/shellword"
	"github.com/zkstate/zkstate/store"
)

// partFile is a file or directory that belongs to a database.
type partFile struct {
	name string
	size int64
	mode fs.FileMode
	user string // "" where there are none
	err  error

	group   string
	groupID int
}

// readFiles describes the file and what is beside it.
func (in *inspection) readFiles() {
	logs := logsOf(in.store.file)
	for _, name := range []string{in.store.file, logs[0], logs[1], in.store.sessions()} {
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		f := partFile{name: name, err: err}
		if err == nil {
			f.size, f.mode = info.Size(), info.Mode()
			f.user, f.group, f.groupID = ownerOf(info)
		}
		in.files = append(in.files, f)
		part := store.Part{Name: name, Size: f.size, Access: f.mode.String(), Err: err}
		if f.user != "" {
			part.Owner = f.user + ":" + f.group
		}
		in.found.Parts = append(in.found.Parts, part)
	}
}

// largeLog is from which size on a write-ahead log is worth mentioning. SQLite begins it
// anew after some MB unless somebody reads for long.
const largeLog = 64 << 20

// checkFiles looks for what is odd about the files, where they have owners.
func (in *inspection) checkFiles() {
	if len(in.files) == 0 || in.files[0].err != nil || in.files[0].user == "" {
		return
	}
	database := in.files[0]
	var open, names []string
	for _, f := range in.files {
		if f.err == nil && f.mode.Perm()&0o002 != 0 {
			open, names = append(open, shellword.Quote(f.name)), append(names, f.name)
		}
	}
	if len(open) > 0 {
		in.odd(store.Finding{
			Check: "world-writable", Severity: store.SeverityWarning, About: strings.Join(names, ", "),
			Problem:  "every user of this machine may change it",
			Advice:   "take that right away; give the file a group if several users share it",
			Commands: []string{"chmod o-w " + strings.Join(open, " ")}, In: store.InShell,
		})
	}
	for _, f := range in.files[1:] {
		if f.err == nil {
			in.checkBeside(f, database)
		}
	}
}

// checkBeside compares what is beside a database with it.
func (in *inspection) checkBeside(f, database partFile) {
	want := database.mode.Perm()
	if f.mode.IsDir() {
		want |= want & 0o444 >> 2
	}
	var commands []string
	if f.groupID != database.groupID && want&0o070 != 0 {
		commands = append(commands, fmt.Sprintf("chgrp %d %s", database.groupID, shellword.Quote(f.name)))
	}
	if f.mode.Perm() != want {
		commands = append(commands, fmt.Sprintf("chmod %o %s", want, shellword.Quote(f.name)))
	}
	if len(commands) > 0 {
		in.odd(store.Finding{
			Check: "permissions", Severity: store.SeverityWarning, About: f.name,
			Problem: fmt.Sprintf("it has %v and the group %s, and the database %v and %s: who may use one may be denied the other",
				f.mode, f.group, database.mode, database.group),
			Advice:   "give it the permissions and the group of the database",
			Commands: commands, In: store.InShell,
		})
	}
	if f.name == logsOf(in.store.file)[0] && f.size >= largeLog {
		in.odd(store.Finding{
			Check: "large-log", Severity: store.SeverityNote, About: f.name,
			Problem:  fmt.Sprintf("the write-ahead log has %d MB: somebody reads, or read, for long, so that it could not begin anew", f.size>>20),
			Advice:   "see who has the file open, and have SQLite empty the log; it answers 1 first as long as somebody is in the way",
			Commands: []string{"fuser -v " + shellword.Quote(in.store.file), fmt.Sprintf("sqlite3 %s 'PRAGMA wal_checkpoint(TRUNCATE)'", shellword.Quote(in.store.file))}, In: store.InShell,
		})
	}
}
