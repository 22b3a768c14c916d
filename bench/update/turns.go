package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/bench/figures"
	"github.com/zkstate/zkstate/bench/records"
	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/store/zkstore"
)

// turn is how many calls one makes before the other's turn.
const turn = 8

// open opens a State on a session of its own.
func open(ctx context.Context, addr, path string, bytes int) (_ *zkstate.State[records.Document], closeAll func() error, err error) {
	s, err := zkstore.Open(zkstore.Config{Servers: []string{addr}, SessionTimeout: 30 * time.Second})
	if err != nil {
		return nil, nil, err
	}
	st, err := zkstate.Open(ctx, s, path, records.New(bytes))
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return st, func() error { return errors.Join(st.Close(), s.Close()) }, nil
}

func change(d *records.Document) error { d.Change(); return nil }

// takeTurns measures Update and the floor in turns, with nobody else there.
func takeTurns(ctx context.Context, addr, path string, bytes int, d time.Duration) (_ sample, err error) {
	st, closeAll, err := open(ctx, addr, path, bytes)
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	bare, err := newFloor(ctx, addr, path+"-bare", bytes)
	if err != nil {
		return sample{}, err
	}
	defer bare.client.Close()
	updates, floors := timer{}, timer{}
	for begun := time.Now(); time.Since(begun) < d; {
		if err := updates.calls(func() error { _, err := st.Update(ctx, change); return err }); err != nil {
			return sample{}, err
		}
		if err := floors.calls(func() error { return bare.update(ctx) }); err != nil {
			return sample{}, err
		}
	}
	return sample{updates.median(), floors.median(), updates.micros(), floors.micros()}, nil
}

// together returns the microseconds of CPU that each of many concurrent updates took.
func together(ctx context.Context, addr, path string, d time.Duration) (_ float64, err error) {
	st, closeAll, err := open(ctx, addr, path, sharedSize)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	var all sync.WaitGroup
	var calls atomic.Int64
	failed := make([]error, goroutines)
	begun, cpu := time.Now(), cpuTime()
	for i := range goroutines {
		all.Go(func() {
			for failed[i] == nil && time.Since(begun) < d {
				_, failed[i] = st.Update(ctx, change)
				calls.Add(1)
			}
		})
	}
	all.Wait()
	used := cpuTime() - cpu
	if now, err := st.Read(); err != nil || now.Counter != calls.Load() {
		return 0, fmt.Errorf("the counter is %d after %d updates, %w", now.Counter, calls.Load(), err)
	}
	return float64(used.Microseconds()) / float64(calls.Load()), errors.Join(failed...)
}

// floor does the least that an update of a struct takes.
type floor struct {
	client *zk.Client
	path   string
	doc    []byte
}

func newFloor(ctx context.Context, addr, path string, bytes int) (*floor, error) {
	client, err := zk.Connect(zk.Config{Servers: zk.Hosts{addr}, SessionTimeout: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	d := records.New(bytes)
	f := &floor{client, path, records.Encode(&d)}
	session, err := client.Session(ctx)
	if err == nil {
		_, err = session.Call(ctx, zk.Create{Path: path, Data: f.doc, ACL: zk.WorldACL(zk.PermAll)})
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	return f, nil
}

func (f *floor) update(ctx context.Context) error {
	var d records.Document
	if err := json.Unmarshal(f.doc, &d); err != nil {
		return err
	}
	d.Change()
	f.doc = records.Encode(&d)
	session, err := f.client.Session(ctx)
	if err != nil {
		return err
	}
	_, err = session.Call(ctx, zk.Set{Path: f.path, Data: f.doc, Version: zk.AnyVersion})
	return err
}

// timer notes what calls take.
type timer struct {
	took []time.Duration
	cpu  time.Duration
}

// calls makes one turn's calls.
func (t *timer) calls(call func() error) error {
	cpu := cpuTime()
	for range turn {
		sent := time.Now()
		if err := call(); err != nil {
			return err
		}
		t.took = append(t.took, time.Since(sent))
	}
	t.cpu += cpuTime() - cpu
	return nil
}

func (t *timer) median() float64 { return float64(figures.Median(t.took).Nanoseconds()) / 1e3 }

func (t *timer) micros() float64 { return float64(t.cpu.Microseconds()) / float64(len(t.took)) }

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // the arguments are right
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
