package zk

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// digestURI names ZooKeeper's service. The host part is no host: all servers have the same.
const digestURI = "zookeeper/zk-sasl-md5"

// DigestMD5 is a Config.SASL that shows a user and password by SASL DIGEST-MD5 (RFC 2831), without sending the
// password. The server proves that it knows the password too: an exchange in which it does not fails. Texts that
// are not Latin-1 need a server that announces UTF-8, as ZooKeeper does.
func DigestMD5(user, password string) func(host string) (Mechanism, error) {
	return func(string) (Mechanism, error) {
		if user == "" {
			return nil, errors.New("SASL DIGEST-MD5: the user is empty")
		}
		return &digestMD5{user: user, password: password, uri: digestURI, cnonce: rand.Text()}, nil
	}
}

// digestMD5 is one exchange.
type digestMD5 struct {
	user, password string
	uri, cnonce    string

	next    digestStep
	rspauth string // what the server has to answer
}

type digestStep int

const (
	digestBegin digestStep = iota
	digestRespond
	digestVerify
	digestOver
)

// Next implements [Mechanism].
func (d *digestMD5) Next(challenge []byte) (response []byte, done bool, err error) {
	switch d.next {
	case digestBegin:
		d.next = digestRespond
		return []byte{}, false, nil
	case digestRespond:
		d.next = digestVerify
		response, err = d.respond(challenge)
	case digestVerify:
		d.next = digestOver
		done, err = true, d.verify(challenge)
	default:
		err = errors.New("the server goes on after its end")
	}
	if err != nil {
		d.next = digestOver
		return nil, false, fmt.Errorf("SASL DIGEST-MD5: %w", err)
	}
	return response, done, nil
}

func (d *digestMD5) respond(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, errors.New("the server sent no challenge: it has no SASL, or no section Server in its JAAS file")
	}
	c, err := parseChallenge(text)
	if err != nil {
		return nil, err
	}
	user, err := c.encode("user", d.user)
	if err != nil {
		return nil, err
	}
	if _, err := c.encode("password", d.password); err != nil {
		return nil, err
	}
	secret := d.secret(c)
	const count = "00000001"
	answer := func(method string) string {
		return hexMD5(secret, ":", c.nonce, ":", count, ":", d.cnonce, ":auth:", hexMD5(method, ":", d.uri))
	}
	d.rspauth = answer("")

	var b strings.Builder
	if c.utf8 {
		b.WriteString("charset=utf-8,")
	}
	fmt.Fprintf(&b, `username=%s,realm=%s,nonce=%s,nc=%s,cnonce=%s,digest-uri="%s",maxbuf=65536,response=%s,qop=auth`,
		quote(user), quote(c.realm), quote(c.nonce), count, quote(d.cnonce), d.uri, answer("AUTHENTICATE"))
	return []byte(b.String()), nil
}

// secret is the hash that only those can make who know the password: H(A1) of the RFC.
func (d *digestMD5) secret(c challenge) string {
	realm := c.realm
	if c.utf8 {
		realm = narrow(realm)
	}
	inner := md5.Sum([]byte(narrow(d.user) + ":" + realm + ":" + narrow(d.password)))
	return hexMD5(string(inner[:]), ":", c.nonce, ":", d.cnonce)
}

func (d *digestMD5) verify(text []byte) error {
	fields, err := parseDirectives(text)
	if err != nil {
		return err
	}
	for _, field := range fields {
		if field.name == "rspauth" && hmac.Equal([]byte(field.value), []byte(d.rspauth)) {
			return nil
		}
	}
	return errors.New("the server did not prove that it knows the password")
}

func hexMD5(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// narrow converts UTF-8 to Latin-1 where that is possible: the RFC hashes such texts so.
func narrow(text string) string {
	if narrowed, ok := latin1(text); ok {
		return narrowed
	}
	return text
}

func latin1(text string) (string, bool) {
	var b strings.Builder
	for _, r := range text {
		if r > 0xFF {
			return "", false
		}
		b.WriteByte(byte(r))
	}
	return b.String(), true
}

func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
