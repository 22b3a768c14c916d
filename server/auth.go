package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/zkstate/zkstate/internal/exitcode"
)

// Token is a secret that a client shows, and who the client is then.
type Token struct {
	Name   string // goes into journals; "" leaves it to [Config.Actor]
	Secret string
}

// minSecret is how many bytes a token must have. A shorter one could be guessed.
const minSecret = 16

// ErrToken means that a text holds no usable token. Errors that match it show nothing of it.
var ErrToken = errors.New("no usable token")

// ParseTokens reads tokens, one a line, as NAME:TOKEN or TOKEN alone. Empty lines, and those
// that begin with #, do not count.
func ParseTokens(text []byte) (tokens []Token, err error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, secret, named := strings.Cut(line, ":")
		if !named {
			name, secret = "", line
		}
		if len(secret) < minSecret || strings.ContainsAny(secret, " \t") {
			return nil, fmt.Errorf("line %d: %w: it must be NAME:TOKEN, with a TOKEN of at least %d characters", number, ErrToken, minSecret)
		}
		tokens = append(tokens, Token{name, secret})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrToken)
	}
	return tokens, nil
}

// client is who sent a request.
type client struct {
	name string // "" if it is not known
}

type clientKey struct{}

// authenticate lets through who shows a token or a certificate, where that is asked for.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.identify(r)
		if busy := s.rates.admit(r, who); busy != nil { // attempts to guess a token count too
			err = busy
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, who)))
	})
}

// identify says who a client is.
func (s *Server) identify(r *http.Request) (client, error) {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return client{r.TLS.VerifiedChains[0][0].Subject.CommonName}, nil
	}
	if len(s.tokens) == 0 {
		return client{}, nil
	}
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		if name, ok := s.find(strings.TrimSpace(shown)); ok {
			return client{name}, nil
		}
	}
	return client{}, refuse(http.StatusUnauthorized, exitcode.Other, "a token is needed: send Authorization: Bearer TOKEN")
}

// digest is a token as it is compared: all have one length, and what is compared tells
// nothing of the secret.
type digest struct {
	name string
	sum  [sha256.Size]byte
}

func digests(tokens []Token) []digest {
	made := make([]digest, len(tokens))
	for i, t := range tokens {
		made[i] = digest{t.Name, sha256.Sum256([]byte(t.Secret))}
	}
	return made
}

// find compares with all tokens, so that the time tells nothing.
func (s *Server) find(shown string) (name string, ok bool) {
	sum := sha256.Sum256([]byte(shown))
	for _, t := range s.tokens {
		if subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1 {
			name, ok = t.name, true
		}
	}
	return name, ok
}

// actor is who changes documents by a request, "" if only the process is known.
func (s *Server) actor(r *http.Request) string {
	if who, ok := r.Context().Value(clientKey{}).(client); ok && who.name != "" {
		return who.name
	}
	return s.cfg.Actor
}
