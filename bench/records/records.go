// Package records has the document of the measurements that depend on its size: a list of
// services, as a registry or a configuration has it.
package records

import (
	"encoding/json"
	"fmt"
)

// Document is what is shared.
type Document struct {
	Counter  int64     `json:"counter"`
	Services []Service `json:"services"`
}

// Service has about 120 bytes.
type Service struct {
	ID      int      `json:"id"`
	Name    string   `json:"name"`
	Globs   []string `json:"globs"`
	Limits  Limits   `json:"limits"`
	Enabled bool     `json:"enabled"`
}

// Limits are part of a Service.
type Limits struct {
	CPU float64 `json:"cpu"`
	Mem int64   `json:"mem"`
	Rev int64   `json:"rev"`
}

// New returns a document of about size bytes.
func New(size int) Document {
	d := Document{Services: []Service{}}
	for length := len(Encode(&d)); length < size; {
		i := len(d.Services)
		s := Service{i, fmt.Sprintf("service-%05d", i), []string{"systemd*", "rsync*"}, Limits{float64(i%7) + 0.5, 1 << 20, 1}, true}
		text, _ := json.Marshal(s) // it cannot fail
		d.Services = append(d.Services, s)
		length += len(text) + 1
	}
	return d
}

// Change is what an update does: the counter goes up, and one service changes.
func (d *Document) Change() {
	d.Counter++
	d.Services[int(d.Counter)%len(d.Services)].Limits.Rev++
}

// Encode returns the document's JSON.
func Encode(d *Document) []byte {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // numbers and strings can be encoded
	}
	return text
}
