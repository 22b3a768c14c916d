package shellword_test

import (
	"os/exec"
	"runtime"
	"testing"

	"github.com/zkstate/zkstate/internal/shellword"
)

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{"/a/b": "/a/b", "": "''", "it's": `'it'\''s'`, "$(x)": "'$(x)'"} {
		if got := shellword.Quote(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
	sh, err := exec.LookPath("sh")
	if err != nil && runtime.GOOS == "windows" {
		t.Skip("there is no shell to read it")
	} else if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "a b", "it's", "$(id)`id`\\", "*?[a]~", "a\nb", "\u202e", `"`, "--x=1;y"} {
		got, err := exec.Command(sh, "-c", "printf %s "+shellword.Quote(text)).Output()
		if err != nil || string(got) != text {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}
