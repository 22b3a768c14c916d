package procwatch

import (
	"encoding/json"
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefault(t *testing.T) {
	s := Default()
	if err := s.Validate(); err != nil {
		t.Errorf("Default() does not validate: %v", err)
	}
	s.Processes[0] = "changed"
	if got := Default().Processes[0]; got != "systemd*" {
		t.Errorf("Default().Processes[0] = %q after a caller changed its own", got)
	}
}

func TestSettingsJSON(t *testing.T) {
	data, err := json.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"processes":["systemd*","rsync*"],"interval":"1s"}`
	if string(data) != want {
		t.Errorf("Marshal = %s, want %s", data, want)
	}
	var back Settings
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), back); diff != "" {
		t.Errorf("round trip (-want +got):\n%s", diff)
	}
}

func TestDurationUnmarshal(t *testing.T) {
	const before = Duration(42)
	for _, test := range []struct {
		json string
		want Duration
		err  string // in the error's text
	}{
		{json: `"1s"`, want: Duration(time.Second)},
		{json: `"1m0.5s"`, want: Duration(60500 * time.Millisecond)},
		{json: `null`, want: before},
		{json: `5`, want: before, err: `5 is not a duration: want a string`},
		{json: `["1s"]`, want: before, err: `["1s"] is not a duration`},
		{json: `"5"`, want: before, err: `"5" is not a duration: want a number with its unit`},
		{json: `"soon"`, want: before, err: `"soon" is not a duration`},
		{json: `""`, want: before, err: `"" is not a duration`},
		{json: `"` + strings.Repeat("x", 10_000) + `"`, want: before, err: "is not a duration"},
	} {
		s := Settings{Interval: before}
		err := json.Unmarshal([]byte(`{"interval":`+test.json+`}`), &s)
		checkError(t, test.json, err, test.err)
		if s.Interval != test.want {
			t.Errorf("%.60s: interval = %v, want %v", test.json, s.Interval, test.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name     string
		globs    []string
		interval time.Duration
		err      string // in the error's text
		bad      bool   // the error is a path.ErrBadPattern
	}{
		{name: "no globs", interval: time.Second},
		{name: "shortest", globs: []string{"a*", "[!a-c]?", `\*`}, interval: MinInterval},
		{name: "longest", globs: []string{"kworker/*"}, interval: MaxInterval},
		{name: "open class", globs: []string{"ok", "bad["}, interval: time.Second, err: `processes[1]: glob "bad["`, bad: true},
		{name: "lone backslash", globs: []string{`bad\`}, interval: time.Second, err: "processes[0]", bad: true},
		{name: "empty glob", globs: []string{"a", "b", ""}, interval: time.Second, err: "processes[2]: glob is empty"},
		{name: "no interval", err: "interval: 0s is not between 100ms and 1h0m0s"},
		{name: "too short", interval: MinInterval - 1, err: "interval: 99.999999ms"},
		{name: "too long", interval: MaxInterval + 1, err: "interval: 1h0m0.000000001s"},
		{name: "negative", interval: -time.Second, err: "interval: -1s"},
	} {
		s := Settings{Processes: test.globs, Interval: Duration(test.interval)}
		err := s.Validate()
		checkError(t, test.name, err, test.err)
		if errors.Is(err, path.ErrBadPattern) != test.bad {
			t.Errorf("%s: errors.Is(%v, ErrBadPattern) = %t", test.name, err, !test.bad)
		}
	}
}

func checkError(t *testing.T, name string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%.60s: %v", name, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%.60s: error %v, want one with %q", name, err, want)
	case err != nil && (len(err.Error()) > 200 || strings.Contains(err.Error(), "\n")):
		t.Errorf("%.60s: error is no short line: %v", name, err)
	}
}
