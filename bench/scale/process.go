package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"os/exec"
	"time"
)

// process is a worker, as the measuring process sees it.
type process struct {
	cmd    *exec.Cmd
	client *rpc.Client
}

// startWorker starts this program again. It ends by stop, and with this process.
func startWorker(log io.Writer) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, workerArg)
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	return &process{cmd, jsonrpc.NewClient(ends{out, in})}, nil
}

// ends are this side of the pipes. Closing them ends the worker.
type ends struct {
	io.Reader
	io.WriteCloser
}

// stop waits for the worker's end, which closes all that it has open.
func (p *process) stop() error {
	p.client.Close()
	return p.cmd.Wait()
}

// ask calls a method of the worker and waits for its answer, or until ctx ends.
func ask[T any](ctx context.Context, p *process, method string, arg any) (answer T, err error) {
	call := p.client.Go("Worker."+method, arg, &answer, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error != nil {
			err = fmt.Errorf("worker: %s: %w", method, call.Error)
		}
		return answer, err
	case <-ctx.Done():
		var none T // the call may still write into answer
		return none, ctx.Err()
	}
}

// tell is ask where there is no answer but that it is done.
func tell(ctx context.Context, p *process, method string, arg any) error {
	_, err := ask[struct{}](ctx, p, method, arg)
	return err
}

// seconds is how long something took, infinite if it never happened.
func seconds(took time.Duration) float64 {
	if took == never {
		return math.Inf(1)
	}
	return took.Seconds()
}

// milliseconds are those of each, see seconds.
func milliseconds(took []time.Duration) []float64 {
	all := make([]float64, len(took))
	for i, t := range took {
		all[i] = 1000 * seconds(t)
	}
	return all
}
