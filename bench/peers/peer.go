package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// ErrNotInstalled is met where a peer, or what compiles it, is not on this
// machine. scripts/peers installs them.
var ErrNotInstalled = errors.New("not installed (scripts/peers)")

// Peer is another client library, ready to run.
type Peer struct {
	Name    string // with its version, if it is known
	command []string
	// warmUp is how long the program counts elsewhere before it measures, for
	// those that are compiled while they run.
	warmUp time.Duration
}

// Count runs the program in a mode, with threads on the document at path, for d
// after its warm-up. It blocks until the program has ended; ctx kills it.
func (p *Peer) Count(ctx context.Context, mode, connect string, threads int, d time.Duration, path string) (Report, error) {
	args := append([]string{}, p.command[1:]...)
	args = append(args, mode, connect, strconv.Itoa(threads), seconds(d), path)
	if p.warmUp > 0 {
		args = append(args, seconds(p.warmUp))
	}
	cmd := exec.CommandContext(ctx, p.command[0], args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return Report{}, fmt.Errorf("%s %s: %w\n%s", p.Name, mode, errors.Join(err, ctx.Err()), tail(stderr.Bytes()))
	}
	r, err := ParseReport(output)
	if err == nil {
		err = r.Verify(r.Counter)
	}
	if err != nil {
		return Report{}, fmt.Errorf("%s %s: %w", p.Name, mode, err)
	}
	return r, nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// tail is the end of what a program had to say, where the reason is.
func tail(text []byte) []byte {
	const limit = 2000
	return text[max(0, len(text)-limit):]
}
