package zkserver

import (
	"strings"
	"testing"
)

func TestCLI(t *testing.T) {
	t.Parallel()
	server := Standalone(t)
	out, err := server.CLI(t.Context(), "create /a one", "set /a two", "get /a")
	if err != nil || !strings.Contains(out, "\ntwo\n") {
		t.Errorf("%v: %s", err, out)
	}
}
