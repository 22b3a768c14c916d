package zkstate

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/zkstate/zkstate/store"
)

// registry is a document of records of about 120 bytes.
type registry struct {
	Counter  int64     `json:"counter"`
	Services []service `json:"services"`
}

type service struct {
	ID     int      `json:"id"`
	Name   string   `json:"name"`
	Globs  []string `json:"globs"`
	Limits struct {
		CPU float64 `json:"cpu"`
		Mem int64   `json:"mem"`
		Rev int64   `json:"rev"`
	} `json:"limits"`
	Enabled bool `json:"enabled"`
}

func registryOf(bytes int) (r registry) {
	for i := range bytes / 120 {
		s := service{ID: i, Name: fmt.Sprintf("service-%05d", i), Globs: []string{"systemd*", "rsync*"}, Enabled: true}
		s.Limits.CPU, s.Limits.Mem, s.Limits.Rev = float64(i%7)+0.5, 1<<20, 1
		r.Services = append(r.Services, s)
	}
	return r
}

// change changes two places that are far apart.
func (r *registry) change() {
	r.Counter++
	r.Services[int(r.Counter)%len(r.Services)].Limits.Rev++
}

// BenchmarkFollowing is what a State does with a document that another instance wrote.
// The floor is json.Unmarshal.
func BenchmarkFollowing(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 960 << 10} {
		value := registryOf(size)
		value.Counter = int64(len(value.Services) - 2) // a change is in the last record
		old, _ := marshal(value)
		value.change()
		new, _ := marshal(value)
		b.Run(fmt.Sprintf("%dKB/floor", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var got registry
				if err := json.Unmarshal(new, &got); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%dKB/decode", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, rejected := decode[registry]("/p", store.Version{}, new); rejected != nil {
					b.Fatal(rejected)
				}
			}
		})
		b.Run(fmt.Sprintf("%dKB/difference", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if set := difference(&snapshot[registry]{doc: old}, &snapshot[registry]{doc: new}); len(set) != 2 {
					b.Fatal(set)
				}
			}
		})
	}
}
