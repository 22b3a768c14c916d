package storeurl_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/store/storeurl"
)

// hostile are texts that hold a password in which no store can be recognized, or only by
// luck. The password is always "hidden".
var hostile = []string{
	// a scheme that is none, or another
	"etcd://user:hidden@h", "zoo://user:hidden@h1,h2/c", "://user:hidden@h", ":hidden", "user:hidden@h", "hidden@h", "hidden",
	"user:hidden", "hidden:zk://h", "zks+more://user:hidden@h?x", "http://user:hidden@h/", "mem:hidden", "mem://user:hidden@h",
	// slashes that are missing, or too many
	"zk:user:hidden@h", "zk:/user:hidden@h", "zk//user:hidden@h", "zk:\\\\user:hidden@h", "zk:///user:hidden@h", "zk",
	"sqlite://user:hidden@h/file", "sqlite:zk://user:hidden@h",
	// blanks, quotation marks, line breaks
	" zk://user:hidden@h", "zk://user:hidden@h ", "\tzk://user:hidden@h", "zk://user:hidden@h\n", "zk://us\ner:hidden@h",
	"'zk://user:hidden@h'", "\"zk://user:hidden@h\"", "<zk://user:hidden@h>", "zk ://user:hidden@h", "zk: //user:hidden@h", "zk://user:hidden@ h b",
	// passwords that should have been encoded
	"zk://user:hid/hidden@h1,h2/chroot", "zk://user:hid?hidden@h1", "zk://user:hidden/w?rd@x@h1,h2/chroot", "zk://user:/hidden@h", "zk://user:2181/hidden@h",
	"zk://user:hidden%zz@h", "zk://user:%hidden@h", "zk://user:hidden@@h:x:y", "zk://user:hidden,hidden@h1/,h2",
	// credentials that are none
	"zk://:hidden@h", "zk://hidden@h", "zk://user:@hidden:x", "zk://user:hidden", "zk://@hidden:hidden",
	// TLS and SRV
	"zks://user:hidden@h?cacert=hidden&other=1", "zks://user:hidden@h:0", "zks:user:hidden@h", "zk+srv://user:hidden@h:2181", "zk+srv://hidden@h",
	"zk+tls://user:hidden@h", "zks://user:hid/hidden@h", "zk://user:hidden@h?key=hidden",
	"zk://user:hidden@h?acl=hidden", "zk://user:hidden@h?acl=digest:bob:hidden:r", "zk://user:hidden@h?sasl_password=hidden", "zk://h?sasl_user=bob&sasl_password=hidden",
	// the rest is wrong
	"zk://user:hidden@", "zk://user:hidden@h:0", "zk://user:hidden@h:99999", "zk://user:hidden@h/../x", "zk://user:hidden@h//x", "zk://user:hidden@h1/a,h2/b",
	"zk://user:hidden@h?other=1", "zk://user:hidden@h?password=hidden", "zk://user:hidden@h?session=hidden", "zk://user:hidden@h?session=597h",
	"zk://user:hidden@h?session=4s&session=5s", "zk://user:hidden@h/%zz", "zk://user:hidden@h?%zz", "ZK://user:hidden@h:0", "Etcd://user:hidden@h",
}

// TestErrorsShowNoSecret: whatever is wrong with a URL, no error and no log shows more of
// it than is known to be free of secrets.
func TestErrorsShowNoSecret(t *testing.T) {
	for _, url := range hostile {
		var logged strings.Builder
		logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s, err := storeurl.Open(t.Context(), url, storeurl.Logger(logger))
		if err == nil {
			_ = s.Close()
		}
		if !errors.Is(err, storeurl.ErrURL) {
			t.Errorf("%q opened %T, %v", url, s, err)
		}
		if said := fmt.Sprintf("%v %+v %q %s", err, err, err, logged.String()); strings.Contains(said, "hidden") {
			t.Errorf("%q: %s", url, said)
		}
		if public, err := storeurl.Public(url); strings.Contains(public, "hidden") || err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("the public form of %q is %q, %v", url, public, err)
		}
	}
}

// TestNoPieceOfAPasswordIsAnAddress: a password with a raw / or ? is refused, with what
// to do about it.
func TestNoPieceOfAPasswordIsAnAddress(t *testing.T) {
	for _, url := range []string{"zk://user:pa/ss?w@rd@h1,h2/chroot", "zk://user:pa/ss@h", "zk://user:pa?ss@h", "zk://h1:2181/ch@root"} {
		_, err := storeurl.Open(t.Context(), url)
		if !errors.Is(err, storeurl.ErrURL) || !strings.Contains(err.Error(), "%2F") || !strings.Contains(err.Error(), "ZKSTATE_AUTH_FILE") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestPublic(t *testing.T) {
	for url, want := range map[string]string{
		"zk://user:p%40ss@h1:2181,h2/a%40b?session=4s": "zk://h1:2181,h2/a%40b?session=4s",
		"zk://h1,h2":            "zk://h1,h2",
		"ZK://user:p@h":         "zk://h",
		"sqlite:dir/file.db":    "sqlite:dir/file.db",
		"mem:":                  "mem:",
		"zk://u:p@h/with%2Cone": "zk://h/with%2Cone",
	} {
		if got, err := storeurl.Public(url); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", url, got, err, want)
		}
	}
}

// TestErrorsNameTheServers: what is free of secrets is said.
func TestErrorsNameTheServers(t *testing.T) {
	_, err := storeurl.Open(t.Context(), "zk://user:hidden@zk1,zk2:2182/app?session=597h")
	if err == nil || !strings.Contains(err.Error(), "zk://(redacted)@zk1,zk2:2182/app") || !strings.Contains(err.Error(), "from 1s to 1h") {
		t.Error(err)
	}
}
