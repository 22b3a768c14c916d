// Package health answers readiness probes about States.
//
// It is a package of its own so that programs which serve no HTTP do not link it.
package health

import (
	"encoding/json"
	"math"
	"net/http"

	"github.com/zkstate/zkstate"
)

// State is a [zkstate.State] of any type.
type State interface {
	Stats() zkstate.Stats
}

// Document is what the answer says of one State. It has no values of the document, and no
// texts of errors, which may quote a part of one.
type Document struct {
	Path         string            `json:"path"`
	Ready        bool              `json:"ready"` // Read returns a value
	Condition    zkstate.Condition `json:"condition"`
	Version      zkstate.Version   `json:"version"`
	VerifiedAge  *float64          `json:"verified_age_seconds"` // null if it never was verified
	MaxStaleness float64           `json:"max_staleness_seconds"`
}

// Answer is the body of an answer.
type Answer struct {
	Ready     bool       `json:"ready"`
	Documents []Document `json:"documents"`
}

// Handler answers GET and HEAD with 200 if Read of every state returns a value, else with
// 503, and an [Answer] as JSON. It asks no store and may be probed as often as wanted.
//
// It is for readiness. As a liveness probe it would have every instance restarted while
// the store is away, which helps nobody and loses their copies.
func Handler(states ...State) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "GET or HEAD", http.StatusMethodNotAllowed)
			return
		}
		answer := check(states)
		body, err := json.Marshal(answer)
		if err != nil { // no answer has what cannot be encoded
			http.Error(w, "the answer cannot be encoded", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !answer.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write(append(body, '\n')) // who left does not read it
	})
}

func check(states []State) Answer {
	answer := Answer{Ready: true, Documents: []Document{}}
	for _, st := range states {
		s := st.Stats()
		d := Document{
			Path: s.Path, Ready: s.Serves, Condition: s.Condition, Version: s.Version,
			MaxStaleness: s.MaxStaleness.Seconds(),
		}
		if s.VerifiedAge < math.MaxInt64 {
			age := s.VerifiedAge.Seconds()
			d.VerifiedAge = &age
		}
		answer.Documents = append(answer.Documents, d)
		answer.Ready = answer.Ready && s.Serves
	}
	return answer
}
