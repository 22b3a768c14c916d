package storeurl

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/zkstate/zkstate/store/zkstore"
)

// The environment variables that [EnvironmentAuth] reads, and whose names begin with
// [AuthVariable].
const (
	// AuthVariable holds one set of credentials, as digest:user:password, or as
	// sasl:user:password for SASL DIGEST-MD5.
	AuthVariable = "ZKSTATE_AUTH"
	// AuthFile names a file that holds them, one set a line. Empty lines, and those that
	// begin with #, do not count. Nobody but its owner may have permission to read it.
	AuthFile = "ZKSTATE_AUTH_FILE"
)

// ErrAuth means that the credentials in the environment cannot be used. The errors that
// match it show nothing of them.
var ErrAuth = errors.New("no usable credentials")

// maxAuthFile bounds the size in bytes of a file of credentials.
const maxAuthFile = 64 << 10

// credentials is one set of them.
type credentials struct {
	scheme         string // digest or sasl
	user, password string
}

// environmentAuth adds what the environment has.
func environmentAuth(config *zkstore.Config) error {
	var all []credentials
	if file := os.Getenv(AuthFile); file != "" {
		found, err := readAuthFile(file)
		if err != nil {
			return fmt.Errorf("$%s: %w", AuthFile, err)
		}
		all = found
	}
	if text := os.Getenv(AuthVariable); text != "" {
		one, err := parseAuth(text)
		if err != nil {
			return fmt.Errorf("$%s: %w", AuthVariable, err)
		}
		all = append(all, one)
	}
	for _, c := range all {
		switch {
		case c.scheme == "digest":
			config.Auth = append(config.Auth, zkstore.Auth{Scheme: "digest", Secret: c.user + ":" + c.password})
		case config.SASL != nil:
			return fmt.Errorf("%w: a connection has one sasl user, and there are several: leave one line that begins with sasl", ErrAuth)
		default:
			config.SASL = zkstore.DigestMD5(c.user, c.password)
		}
	}
	return nil
}

func readAuthFile(file string) ([]credentials, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAuth, err)
	}
	if err := checkAuthFile(file, info); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAuth, err)
	}
	var all []credentials
	number := 0
	for line := range bytes.Lines(text) {
		number++
		entry := strings.TrimRight(string(line), "\r\n")
		if strings.TrimSpace(entry) == "" || strings.HasPrefix(entry, "#") {
			continue
		}
		auth, err := parseAuth(entry)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file, number, err)
		}
		all = append(all, auth)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s has none: write digest:user:password or sasl:user:password, one a line", ErrAuth, file)
	}
	return all, nil
}

// checkAuthFile refuses a file that others can read, and one that is none: to open a
// pipe could take for ever.
func checkAuthFile(file string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: %s is not a regular file", ErrAuth, file)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%w: %s has mode %04o, so others could use it too: chmod 600 %s", ErrAuth, file, info.Mode().Perm(), file)
	case info.Size() > maxAuthFile:
		return fmt.Errorf("%w: %s has more than %d bytes", ErrAuth, file, maxAuthFile)
	}
	return nil
}

// parseAuth reads scheme:user:password. The schemes are digest and sasl; who leaves it out
// is told so.
func parseAuth(text string) (credentials, error) {
	scheme, secret, _ := strings.Cut(text, ":")
	user, password, _ := strings.Cut(secret, ":")
	if scheme != "digest" && scheme != "sasl" || user == "" || password == "" {
		return credentials{}, fmt.Errorf("%w: it must be digest:user:password or sasl:user:password", ErrAuth)
	}
	return credentials{scheme, user, password}, nil
}
