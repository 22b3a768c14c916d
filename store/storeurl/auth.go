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

// show adds credentials to what a connection shows. It has one SASL user: saslUser if that is
// not empty, else the only one that there is.
func show(config *zkstore.Config, all []credentials, saslUser string) error {
	for _, c := range all {
		switch {
		case c.scheme == "digest":
			config.Auth = append(config.Auth, zkstore.Auth{Scheme: "digest", Secret: c.user + ":" + c.password})
		case saslUser != "" && c.user != saslUser:
		case config.SASL != nil:
			return fmt.Errorf("%w: a connection has one sasl user, and there are several: name one by sasl_user= in the URL, and leave one line for it", ErrAuth)
		default:
			config.SASL = zkstore.DigestMD5(c.user, c.password)
		}
	}
	if saslUser != "" && config.SASL == nil {
		return fmt.Errorf("%w: there is no password of the sasl_user in the URL: put sasl:USER:PASSWORD into the file that $%s names", ErrAuth, AuthFile)
	}
	return nil
}

// environmentAuth returns what the environment has.
func environmentAuth() (all []credentials, err error) {
	if file := os.Getenv(AuthFile); file != "" {
		if all, err = readAuthFile(file); err != nil {
			return nil, fmt.Errorf("$%s: %w", AuthFile, err)
		}
	}
	if text := os.Getenv(AuthVariable); text != "" {
		one, err := parseAuth(text)
		if err != nil {
			return nil, fmt.Errorf("$%s: %w", AuthVariable, err)
		}
		all = append(all, one)
	}
	return all, nil
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
