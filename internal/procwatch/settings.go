package procwatch

import (
	"encoding/json"
	"fmt"
	"path"
	"time"
)

// The shortest and the longest pause between two looks that Validate accepts.
const (
	MinInterval = 100 * time.Millisecond
	MaxInterval = time.Hour
)

// Settings is what all agents share: which processes to look for, and how often.
type Settings struct {
	// Processes are globs of process names, in the language of [path.Match],
	// except that "*", "?" and classes match "/" too: it is an ordinary letter
	// in a process name ("kworker/0:1").
	Processes []string `json:"processes"`
	// Interval is the pause between two looks.
	Interval Duration `json:"interval"`
}

// Default returns the settings of agents that nobody has told anything else.
// Each call returns a list of its own, which the caller may change.
func Default() Settings {
	return Settings{Processes: []string{"systemd*", "rsync*"}, Interval: Duration(time.Second)}
}

// Validate reports the first thing wrong with s, in one line that names its place
// in the document: an empty or malformed glob (the latter wraps
// [path.ErrBadPattern]), or an interval outside [MinInterval, MaxInterval].
// An empty list is valid: nothing matches. Validate does not change s.
func (s *Settings) Validate() error {
	for i, glob := range s.Processes {
		if glob == "" {
			return fmt.Errorf("processes[%d]: glob is empty", i)
		}
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("processes[%d]: glob %.60q: %w", i, glob, err)
		}
	}
	if d := time.Duration(s.Interval); d < MinInterval || d > MaxInterval {
		return fmt.Errorf("interval: %v is not between %v and %v", d, MinInterval, MaxInterval)
	}
	return nil
}

// Duration is a time.Duration that JSON holds as text in the language of
// [time.ParseDuration], such as "1s" or "250ms". A bare number is refused, for it
// does not say its unit.
type Duration time.Duration

// String returns d as JSON holds it, without the quotes.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON returns d as a JSON string. It never fails.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON sets d from a JSON string. As everywhere in encoding/json, null
// leaves d alone; on an error d is left alone too.
func (d *Duration) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf(`%.60s is not a duration: want a string such as "1s" or "250ms"`, data)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf(`%.60q is not a duration: want a number with its unit, such as "1s" or "250ms"`, text)
	}
	*d = Duration(parsed)
	return nil
}
