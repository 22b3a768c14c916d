// Package peers measures other clients' ways to count on the same ZooKeeper:
// Apache Curator and kazoo. Their programs are in the folders of their names.
//
// Every program is run as
//
//	program MODE CONNECT THREADS SECONDS PATH
//
// increments the counter of the document at PATH from THREADS threads for SECONDS,
// and prints one line of JSON, a [Report].
package peers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Report is what a program that counted says about it.
type Report struct {
	Acks    int64   `json:"acks"`    // increments that were acknowledged
	Unknown int64   `json:"unknown"` // increments whose answer was lost
	Counter int64   `json:"counter"` // what it read at the end, 0 if it did not
	Seconds float64 `json:"seconds"` // from the release of all to the last acknowledgement
	Each    []int64 `json:"each"`    // Acks of each client, if it says
}

// Rate is the acknowledged increments per second.
func (r Report) Rate() float64 { return float64(r.Acks) / r.Seconds }

// ParseReport reads the last line of a program's output. Fields it does not know
// are ignored. It fails on what no honest program prints.
func ParseReport(output []byte) (Report, error) {
	output = bytes.TrimSpace(output)
	line := output[bytes.LastIndexByte(output, '\n')+1:]
	if len(line) == 0 {
		return Report{}, errors.New("it printed no report")
	}
	var r Report
	if err := json.Unmarshal(line, &r); err != nil {
		return Report{}, fmt.Errorf("its last line %.200q is no report: %w", line, err)
	}
	if err := r.check(); err != nil {
		return Report{}, fmt.Errorf("its report %.200q: %w", line, err)
	}
	return r, nil
}

// Verify compares the acknowledgements with a counter that was 0 before. An
// increment whose answer was lost may have been applied, or not.
func (r Report) Verify(counter int64) error {
	if counter < r.Acks || counter > r.Acks+r.Unknown {
		return fmt.Errorf("the counter is %d after %d acknowledged increments and %d unknown ones", counter, r.Acks, r.Unknown)
	}
	return nil
}

func (r Report) check() error {
	switch {
	case r.Acks < 0 || r.Unknown < 0:
		return errors.New("a negative count")
	case r.Seconds <= 0:
		return errors.New("it took no time")
	case len(r.Each) == 0:
		return nil
	}
	var sum int64
	for _, n := range r.Each {
		if n < 0 {
			return errors.New("a negative count")
		}
		sum += n
	}
	if sum != r.Acks {
		return fmt.Errorf("the clients' counts make %d, not %d", sum, r.Acks)
	}
	return nil
}
