// Procwatch is an agent that watches the processes of its host against a list of
// globs that it shares with every other instance of itself:
//
//	go -C examples run ./procwatch             # an SQLite file on this machine
//	go -C examples run ./procwatch -store zk://zk1,zk2,zk3
//
// Whoever changes the list, with any tool, changes what all agents do:
//
//	zkstate set /procwatch /processes/- '"firefox*"'
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/internal/printable"
	"github.com/zkstate/zkstate/internal/procwatch"
	"github.com/zkstate/zkstate/store/storeurl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "procwatch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("procwatch", flag.ContinueOnError)
	url := flags.String("store", os.Getenv("ZKSTATE_STORE"), "store `URL`; the default is the command line tool's")
	path := flags.String("path", "/procwatch", "document `PATH` of the shared list")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *url == "" {
		var err error
		if *url, err = storeurl.Default(); err != nil {
			return fmt.Errorf("%w: say with -store where", err)
		}
	}
	s, err := storeurl.Open(ctx, *url, storeurl.Environment())
	if err != nil {
		return err
	}
	defer s.Close()

	opening, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	st, err := zkstate.Open(opening, s, *path, procwatch.Default(), zkstate.WithApp("procwatch"), zkstate.WithLogger(logger))
	if err != nil {
		return err
	}
	defer st.Close()

	where, err := storeurl.Public(*url)
	if err != nil {
		return err
	}
	p := &printer{out: out}
	p.printf("%s follows %s on %s\n", st.ID(), *path, where)
	agent := procwatch.Agent{Log: logger}
	return agent.Watch(ctx, st, p.changed, p.matched)
}

// printer is used by the agent's two goroutines.
type printer struct {
	mu  sync.Mutex // guards out
	out io.Writer
}

func (p *printer) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.out, time.Now().Format("15:04:05.000 ")+printable.Text(fmt.Sprintf(format, args...)))
}

func (p *printer) changed(set zkstate.ChangeSet) {
	for _, change := range set.Changes {
		p.printf("settings %v: %v\n", set.To, change)
	}
}

func (p *printer) matched(events []procwatch.Event) {
	for _, event := range events {
		verb := "gone    "
		if event.Appeared {
			verb = "appeared"
		}
		p.printf("%s %7d %s (%s)\n", verb, event.PID, event.Name, event.Glob)
	}
}
