package zk

import (
	"slices"
	"strings"
	"testing"
)

// TestDigestMD5KnownAnswers has the example of RFC 2831, section 4, and two exchanges that were computed by the Python
// library pure-sasl 0.6.2. Where texts are not ASCII, a few lines of Python after the RFC were asked.
func TestDigestMD5KnownAnswers(t *testing.T) {
	const zookeeper = `realm="zk-sasl-md5",nonce="OA9BSXrbuRhWay",qop="auth",charset=utf-8,algorithm=md5-sess`
	for name, test := range map[string]struct {
		exchange  digestMD5
		challenge string
		want      []string // directives of the response
		rspauth   string
	}{
		"RFC 2831": {
			digestMD5{user: "chris", password: "secret", uri: "imap/elwood.innosoft.com", cnonce: "OA6MHXh6VqTrRk"},
			`realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`,
			[]string{
				`charset=utf-8`, `username="chris"`, `realm="elwood.innosoft.com"`, `nonce="OA6MG9tEQGm2hh"`, `nc=00000001`, `cnonce="OA6MHXh6VqTrRk"`,
				`digest-uri="imap/elwood.innosoft.com"`, `response=d388dad90d4bbd760a152321f2143af7`, `qop=auth`, `maxbuf=65536`,
			},
			"ea40f60335c427b5527b84dbabcdfffd",
		},
		"ZooKeeper": {
			digestMD5{user: "bob", password: "secret", uri: digestURI, cnonce: "123456789"}, zookeeper,
			[]string{`username="bob"`, `realm="zk-sasl-md5"`, `digest-uri="zookeeper/zk-sasl-md5"`, `response=adc30f0dd976d6d665609ea579ece683`},
			"93bb6ee9ef13a368a6692b8b549cd5b0",
		},
		"quoting": {
			digestMD5{user: `b"o\b`, password: `p:w"\ `, uri: digestURI, cnonce: "123456789"},
			`realm="a \"realm\\",nonce="N\"once",qop="auth-int,auth",algorithm=md5-sess,charset=utf-8`,
			[]string{`username="b\"o\\b"`, `realm="a \"realm\\"`, `nonce="N\"once"`, `response=6a21f94d08234ba445a9c11d190ee984`},
			"9f1a7f218f72129d0ed2ad6da37fbdd4",
		},
		"Latin-1": {
			digestMD5{user: "zoë", password: "pässwört", uri: digestURI, cnonce: "123456789"}, zookeeper,
			[]string{`username="zoë"`, `response=90f7168bd7da6863c4cb210174b32a5f`},
			"4e15f3c996f040ec8144d431c7fc3494",
		},
		"wider than Latin-1": {
			digestMD5{user: "zoë", password: "密码", uri: digestURI, cnonce: "123456789"}, zookeeper,
			[]string{`response=94dd5ec9cf402eb3bdcf01344d6a2340`},
			"5c801553c9f1d04d6e977e2b563380b6",
		},
		"Latin-1 on the wire": {
			digestMD5{user: "zoë", password: "Ã©", uri: digestURI, cnonce: "123456789"},
			` , realm = "zk-sasl-md5" ,,NONCE="OA9BSXrbuRhWay", algorithm=md5-sess, unknown="x,y"`,
			[]string{"username=\"zo\xeb\"", `response=95b5465cb15094eaca7a6565c99b8dd7`},
			"e55fcd1eb77fa2c64156206da60504f9",
		},
	} {
		d := test.exchange
		if first, done, err := d.Next(nil); err != nil || done || first == nil || len(first) != 0 {
			t.Fatalf("%s: began with %q, %t, %v", name, first, done, err)
		}
		response, done, err := d.Next([]byte(test.challenge))
		if err != nil || done {
			t.Errorf("%s: %t, %v", name, done, err)
			continue
		}
		got := strings.Split(string(response), ",")
		for _, want := range test.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s: %s lacks %s", name, response, want)
			}
		}
		if slices.Contains(got, "charset=utf-8") != strings.Contains(test.challenge, "charset") {
			t.Errorf("%s: charset in %s", name, response)
		}
		if rest, done, err := d.Next([]byte("rspauth=" + test.rspauth)); err != nil || !done || rest != nil {
			t.Errorf("%s: the server's proof: %q, %t, %v", name, rest, done, err)
		}
		if _, done, err := d.Next(nil); err == nil || done {
			t.Errorf("%s: it goes on after its end", name)
		}
	}
}

func TestDigestMD5FailsClosed(t *testing.T) {
	const good = `realm="r",nonce="n",charset=utf-8,algorithm=md5-sess`
	for name, test := range map[string]struct {
		challenge, answer string
		want              string
	}{
		"no SASL":        {"", "", "has no SASL"},
		"no nonce":       {`realm="r",algorithm=md5-sess`, "", "no nonce"},
		"two nonces":     {`nonce="n",nonce="m",algorithm=md5-sess`, "", "twice"},
		"algorithm":      {`nonce="n",algorithm=md5`, "", "algorithm"},
		"no algorithm":   {`nonce="n"`, "", "algorithm"},
		"privacy only":   {`nonce="n",algorithm=md5-sess,qop="auth-conf,auth-int"`, "", "qop"},
		"other charset":  {`nonce="n",algorithm=md5-sess,charset=koi8-r`, "", "charset"},
		"no charset":     {`nonce="n",algorithm=md5-sess`, "", "Latin-1"},
		"GSSAPI":         {"\x60\x82\x01", "", "not of DIGEST-MD5"},
		"too long":       {good + strings.Repeat(",", maxChallenge), "", "bytes"},
		"no proof":       {good, "", "did not prove"},
		"wrong proof":    {good, "rspauth=93bb6ee9ef13a368a6692b8b549cd5b0", "did not prove"},
		"empty proof":    {good, `rspauth=""`, "did not prove"},
		"garbled proof":  {good, "rspauth", "not of DIGEST-MD5"},
		"two challenges": {good, good, "did not prove"},
	} {
		mechanism, err := DigestMD5("bob", "密码")("zk1")
		if err != nil {
			t.Fatal(err)
		}
		mechanism.Next(nil)
		_, done, err := mechanism.Next([]byte(test.challenge))
		if err == nil {
			_, done, err = mechanism.Next([]byte(test.answer))
		}
		if done || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %t, %v; want an error with %q", name, done, err, test.want)
		}
		if _, done, err := mechanism.Next([]byte(good)); done || err == nil {
			t.Errorf("%s: it goes on after an error", name)
		}
	}
	if _, err := DigestMD5("", "secret")("zk1"); err == nil {
		t.Error("no user: no error")
	}
}

func TestDigestMD5IsNotRepeated(t *testing.T) {
	respond := func() string {
		mechanism, err := DigestMD5("bob", "secret")("zk1")
		if err != nil {
			t.Fatal(err)
		}
		mechanism.Next(nil)
		response, _, err := mechanism.Next([]byte(`realm="r",nonce="n",algorithm=md5-sess`))
		if err != nil {
			t.Fatal(err)
		}
		return string(response)
	}
	if one, two := respond(), respond(); one == two {
		t.Errorf("two exchanges have the same response: %s", one)
	}
}

func FuzzDigestMD5(f *testing.F) {
	f.Add([]byte(`realm="zk-sasl-md5",nonce="OA9BSXrbuRhWay",qop="auth",charset=utf-8,algorithm=md5-sess`), []byte("rspauth=93bb6ee9ef13a368a6692b8b549cd5b0"))
	f.Add([]byte(`realm="a \"realm\\",nonce="N\"once",algorithm=md5-sess`), []byte(`rspauth="x",`))
	f.Add([]byte(`realm="\`), []byte("=,="))
	f.Fuzz(func(t *testing.T, challenge, proof []byte) {
		d := digestMD5{user: `b"ob`, password: "secret", uri: digestURI, cnonce: "fixed"}
		d.Next(nil)
		response, done, err := d.Next(challenge)
		if done || (err == nil) != (len(response) > 0) {
			t.Fatalf("%q: %q, %t, %v", challenge, response, done, err)
		}
		if err != nil {
			return
		}
		again, err := parseDirectives(response)
		if err != nil && len(response) <= maxChallenge {
			t.Fatalf("%q: the response %q is not well formed: %v", challenge, response, err)
		}
		for _, field := range again {
			if field.name == "username" && field.value != d.user {
				t.Fatalf("%q: the user became %q", challenge, field.value)
			}
		}
		if _, done, err := d.Next(proof); done != (err == nil) || done && !strings.Contains(string(proof), d.rspauth) {
			t.Fatalf("%q, %q: %t, %v", challenge, proof, done, err)
		}
	})
}
