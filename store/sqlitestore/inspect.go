package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkstate/zkstate/internal/shellword"
	"github.com/zkstate/zkstate/store"
)

var _ store.Inspector = (*Store)(nil)

// inspection is one call of Inspect.
type inspection struct {
	store *Store
	path  string
	files []partFile
	found store.Inspection
}

// Inspect implements [store.Inspector]. It checks the file as a whole, for half of the
// time that ctx leaves, or for five seconds.
func (s *Store) Inspect(ctx context.Context, path string) (store.Inspection, error) {
	if err := store.CheckPath(path); err != nil {
		return store.Inspection{}, err
	}
	in := &inspection{store: s, path: path}
	if err := in.inspect(ctx); err != nil {
		return store.Inspection{}, s.fail("inspect", path, err)
	}
	return in.found, nil
}

func (in *inspection) inspect(ctx context.Context) error {
	ctx, done, err := in.store.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	in.tell("file", "%s", in.store.file)
	for _, step := range []func(context.Context) error{in.readTables, in.timeLock, in.checkPages} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	in.readFiles()
	in.checkFiles()
	in.checkSpace()
	return nil
}

// tell adds a fact.
func (in *inspection) tell(name, format string, args ...any) {
	in.found.Facts = append(in.found.Facts, store.Fact{Name: name, Value: fmt.Sprintf(format, args...)})
}

func (in *inspection) odd(f store.Finding) { in.found.Findings = append(in.found.Findings, f) }

// readTables tells what the database says of itself.
func (in *inspection) readTables(ctx context.Context) error {
	var version, journal string
	var format int
	err := retry(ctx, func() error {
		return in.store.readers.QueryRowContext(ctx, `SELECT sqlite_version(),
			(SELECT user_version FROM pragma_user_version), (SELECT journal_mode FROM pragma_journal_mode),
			(SELECT count(*) FROM history WHERE path = ?)`, in.path).Scan(&version, &format, &journal, &in.found.Entries)
	})
	in.tell("version", "SQLite %s", version)
	in.tell("format", "%d, journal mode %s", format, journal)
	living := 0
	for _, id := range lockFiles(in.store.sessions()) {
		if in.store.alive(id) {
			living++
		}
	}
	in.tell("sessions", "%d, of programs that listen or wait for a lock", living)
	return err
}

// timedLocks is how many transactions are timed.
const timedLocks = 5

// errNothing ends a transaction that does nothing.
var errNothing = errors.New("nothing is to be written")

// timeLock times the write lock of the file, which one process has at a time. Who may only
// read the file cannot have it.
func (in *inspection) timeLock(ctx context.Context) error {
	in.found.Write.What = fmt.Sprintf("taking the file's write lock and giving it back, which waits for writers as a commit does; nothing is written (median of %d)", timedLocks)
	if err := denial(in.store.file, toWrite); err != nil {
		in.found.Write.Err = fmt.Errorf("%w: %w", store.ErrDenied, err)
		in.odd(store.Finding{
			Check: "read-only", Severity: store.SeverityNote, About: in.store.file,
			Problem:  err.Error(),
			Advice:   "run doctor as the user of the application to see what that may do",
			Commands: []string{"ls -l " + shellword.Quote(in.store.file)}, In: store.InShell,
		})
		return nil
	}
	conn, err := in.store.connect(ctx, in.store.writer)
	if err != nil {
		return err
	}
	defer conn.Close()
	t := &tx{conn: conn, ctx: context.WithoutCancel(ctx)}
	took := make([]time.Duration, timedLocks)
	for i := range took {
		began := time.Now()
		if err := t.run(ctx, "BEGIN IMMEDIATE", func() error { return errNothing }); !errors.Is(err, errNothing) {
			in.found.Write.Err = err
			return nil
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	in.found.Write.Took = took[timedLocks/2]
	return nil
}

// checkBound bounds the check of the file where ctx does not.
const checkBound = 5 * time.Second

// checkPages checks the whole file.
func (in *inspection) checkPages(ctx context.Context) error {
	bound := checkBound
	if deadline, ok := ctx.Deadline(); ok {
		bound = time.Until(deadline) / 2
	}
	checking, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	var verdict string
	err := retry(checking, func() error {
		return in.store.readers.QueryRowContext(checking, "PRAGMA quick_check(1)").Scan(&verdict)
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case checking.Err() != nil:
		in.tell("integrity", "not known: the check took longer than %v", bound.Round(time.Millisecond))
		return nil
	case err == nil && verdict == "ok":
		in.tell("integrity", "ok")
		return nil
	case err != nil && !isDamage(err):
		return err
	case err != nil:
		verdict = err.Error()
	}
	in.tell("integrity", "damaged")
	file := shellword.Quote(in.store.file)
	in.odd(store.Finding{
		Check: "damaged", Severity: store.SeverityFault, About: in.store.file, Err: store.ErrDamaged,
		Problem: "the database is damaged: " + verdict,
		Advice:  "end all programs that use it, keep the damaged file, and put your newest backup (here BACKUP) in its place",
		Commands: []string{
			fmt.Sprintf("mv %s %s", file, shellword.Quote(in.store.file+".damaged")),
			fmt.Sprintf("rm -f %s %s", shellword.Quote(in.store.file+"-wal"), shellword.Quote(in.store.file+"-shm")),
			"cp -p BACKUP " + file,
		}, In: store.InShell,
	})
	return nil
}

// checkSpace looks whether what is committed next has room. SQLite writes it beside the
// file first.
func (in *inspection) checkSpace() {
	free, err := availableBytes(in.store.file)
	if err != nil {
		in.tell("free space", "not known")
		return
	}
	in.tell("free space", "%d MB", free>>20)
	var used int64
	for _, f := range in.files {
		used += f.size
	}
	if least := leastSpace(used); free < least {
		in.odd(store.Finding{
			Check: "disk-space", Severity: store.SeverityWarning, About: in.store.file,
			Problem:  fmt.Sprintf("%d MB are free where it is, and it may need %d MB: when the disk is full, commits fail", free>>20, least>>20),
			Advice:   "make room on the disk",
			Commands: []string{"df -h " + shellword.Quote(in.store.file)}, In: store.InShell,
		})
	}
}

// leastSpace is what should be free beside files of that size: as much again, and some
// transactions of the largest size.
func leastSpace(used int64) int64 { return used + 64*store.MaxCommit }
