package sqlitestore_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

// roles are what child processes do.
var roles = map[string]func(file string, args []string) error{
	"increment": roleIncrement,
	"write":     roleWrite,
	"announce":  roleAnnounce,
	"lock":      roleLock,
	"put":       rolePut,
	"comeandgo": roleComeAndGo,
	"scribble":  roleScribble,
}

// inRole opens the file and closes it after f.
func inRole(file string, f func(ctx context.Context, s *sqlitestore.Store) error) error {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, file, sqlitestore.Config{})
	if err != nil {
		return err
	}
	return errors.Join(f(ctx, s), s.Close())
}

// increment adds 1 to a counter by compare-and-set, until it succeeds.
func increment(ctx context.Context, s store.Store, path string) error {
	for {
		rec, err := s.Load(ctx, path, store.Version{}, store.Linearizable)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(rec.Data))
		if err != nil {
			return err
		}
		_, err = s.Commit(ctx, store.Put{Path: path, Base: rec.Version, Data: []byte(strconv.Itoa(n + 1))})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// roleScribble spoils all of a file but its beginning.
func roleScribble(file string, _ []string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	const kept = 4096
	_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, int(info.Size())-kept), kept)
	return errors.Join(err, f.Close())
}

// roleIncrement increments /counter args[0] times and says how long the slowest
// took, in microseconds.
func roleIncrement(file string, args []string) error {
	times, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	return inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
		var slowest time.Duration
		for range times {
			begun := time.Now()
			if err := increment(ctx, s, "/counter"); err != nil {
				return err
			}
			slowest = max(slowest, time.Since(begun))
		}
		fmt.Println(slowest.Microseconds())
		return nil
	})
}

// roleComeAndGo increments /counter args[0] times, each time as somebody new.
func roleComeAndGo(file string, args []string) error {
	times, err := strconv.Atoi(args[0])
	for ; times > 0 && err == nil; times-- {
		err = inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
			return errors.Join(s.Announce(ctx, "/counter", strconv.Itoa(os.Getpid()), nil),
				increment(ctx, s, "/counter"))
		})
	}
	return err
}

// payload is a document that shows whether it is whole.
type payload struct {
	N    int
	Fill string
	Sum  uint32
}

func newPayload(n int) []byte {
	p := payload{N: n, Fill: strings.Repeat(strconv.Itoa(n)+".", rand.IntN(8000))}
	p.Sum = crc32.ChecksumIEEE([]byte(strconv.Itoa(n) + p.Fill))
	data, _ := json.Marshal(p)
	return data
}

func checkPayload(data []byte) (int, error) {
	var p payload
	if err := json.Unmarshal(data, &p); err != nil {
		return 0, err
	}
	if p.Sum != crc32.ChecksumIEEE([]byte(strconv.Itoa(p.N)+p.Fill)) {
		return 0, fmt.Errorf("payload %d is torn", p.N)
	}
	return p.N, nil
}

// roleWrite counts /left and /right up in one commit each time, for ever, and
// says each number once it is acknowledged.
func roleWrite(file string, _ []string) error {
	return inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
		if err := s.Announce(ctx, "/left", "writer", nil); err != nil {
			return err
		}
		for {
			left, err1 := s.Load(ctx, "/left", store.Version{}, store.Linearizable)
			right, err2 := s.Load(ctx, "/right", store.Version{}, store.Linearizable)
			n, err3 := checkPayload(left.Data)
			if err := errors.Join(err1, err2, err3); err != nil {
				return err
			}
			if _, err := s.Commit(ctx,
				store.Put{Path: "/left", Base: left.Version, Data: newPayload(n + 1)},
				store.Put{Path: "/right", Base: right.Version, Data: newPayload(n + 1)},
			); err != nil {
				return err
			}
			fmt.Println(n + 1)
		}
	})
}

// roleLock takes the lock of /doc, and keeps it until it is told to end.
func roleLock(file string, args []string) error {
	return inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
		lock, err := s.Lock(ctx, "/doc", args[0])
		if err != nil {
			return err
		}
		fmt.Println("locked")
		bufio.NewScanner(os.Stdin).Scan()
		return lock.Unlock(ctx)
	})
}

// roleAnnounce announces args[0] at /doc and stays until its input ends.
func roleAnnounce(file string, args []string) error {
	return inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
		err := s.Announce(ctx, "/doc", args[0], []byte("child"))
		switch {
		case errors.Is(err, store.ErrTaken):
			fmt.Println("exists")
		case err != nil:
			return err
		default:
			fmt.Println("announced")
		}
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		}
		return nil
	})
}

// rolePut increments /counter at every line of input, and says when: in Unix
// microseconds, before the commit and after it.
func rolePut(file string, _ []string) error {
	return inRole(file, func(ctx context.Context, s *sqlitestore.Store) error {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			before := time.Now()
			if err := increment(ctx, s, "/counter"); err != nil {
				return err
			}
			fmt.Println(before.UnixMicro(), time.Now().UnixMicro())
		}
		return nil
	})
}
