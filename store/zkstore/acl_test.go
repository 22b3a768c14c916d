package zkstore_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/store/zkstore"
)

// aHash has the form of a hash of the scheme digest.
const aHash = "qUFSHxJjItUW/93UHFXFVGlvryY="

// TestParseACL: the lists without a backslash are read as the AclParser of ZooKeeper 3.9.5
// reads them.
func TestParseACL(t *testing.T) {
	const all, r, rw = zkstore.PermAll, zkstore.PermRead, zkstore.PermRead | zkstore.PermWrite
	for text, want := range map[string]zkstore.ACL{
		"creator":                              zkstore.CreatorACL,
		"read":                                 zkstore.ReadACL,
		"open":                                 zkstore.OpenACL,
		"auth::cdrwa":                          zkstore.CreatorACL,
		"world:anyone:awrdc":                   zkstore.OpenACL,
		"sasl:ops:rr":                          {{"sasl", "ops", r}},
		"sasl:ops:r,x509:CN=app:cdrwa":         {{"sasl", "ops", r}, {"x509", "CN=app", all}},
		"sasl:zk/host.example@EXAMPLE:rw":      {{"sasl", "zk/host.example@EXAMPLE", rw}},
		"sasl:ops:r;sasl:a:r":                  {{"sasl", "ops:r;sasl:a", r}},
		"sasl:a b:r":                           {{"sasl", "a b", r}},
		"ip:::1:r":                             {{"ip", "::1", r}},
		"ip:10.0.0.0/8:r":                      {{"ip", "10.0.0.0/8", r}},
		"digest:bob:" + aHash + ":rw":          {{"digest", "bob:" + aHash, rw}},
		"x509:a:b:c=d::r":                      {{"x509", "a:b:c=d:", r}},
		`x509:CN=app\,O=Acme:cdrwa,sasl:ops:r`: {{"x509", "CN=app,O=Acme", all}, {"sasl", "ops", r}},
		`x509:CN=Doe\\, J.\,O=Acme:r`:          {{"x509", `CN=Doe\, J.,O=Acme`, r}},
		`x509:CN=a\b\:r`:                       {{"x509", `CN=a\b\`, r}},
	} {
		got, err := zkstore.ParseACL(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
		again, err := zkstore.ParseACL(got.String())
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s is written %s, which is %+v, %v", text, got, again, err)
		}
	}
}

func TestParseACLRefuses(t *testing.T) {
	for text, why := range map[string]string{
		"":                                "SCHEME:ID:PERMS",
		"Creator":                         "SCHEME:ID:PERMS",
		"creator,sasl:ops:r":              "entry 1: it must be SCHEME:ID:PERMS",
		"sasl:ops:r,":                     "entry 2: it must be SCHEME:ID:PERMS",
		"sasl:ops:r,,sasl:a:r":            "entry 2",
		"sasl:hidden":                     "SCHEME:ID:PERMS",
		"x509:CN=hidden,O=Acme:cdrwa":     `within the id is written \,`,
		"sasl:hidden:":                    "some of the rights",
		"sasl:hidden:x":                   "letters cdrwa",
		"sasl:hidden:R":                   "letters cdrwa",
		"sasl:hidden:r ":                  "letters cdrwa",
		"sasl:hidden:ré":                  "letters cdrwa",
		"sasl:hidden:all":                 "letters cdrwa",
		" sasl:hidden:r":                  "must be a word",
		"sasl:a:r, sasl:hidden:r":         "entry 2: the scheme must be a word",
		":hidden:r":                       "must be a word",
		"sas\x00l:hidden:r":               "must be a word",
		"säsl:hidden:r":                   "must be a word",
		"sasl::r":                         "the id is missing",
		"sasl:hid\nden:r":                 "cannot be shown",
		"sasl:hid\x1bden:r":               "cannot be shown",
		"sasl:hidden\xff:r":               "cannot be shown",
		"auth:hidden:r":                   "auth has no id",
		"world:hidden:r":                  "the id of world is anyone",
		"digest:hidden:r":                 "in place of the password",
		"digest:bob:hidden:r":             "in place of the password",
		"digest::" + aHash + ":r":         "in place of the password",
		"digest:bob:" + aHash + "\n:r":    "cannot be shown",
		"digest:bob:x:" + aHash + ":r":    "in place of the password",
		"digest:bob:" + aHash[:24] + ":r": "in place of the password",
		"sasl:" + strings.Repeat("a", 20_000) + ":r":   "longer than",
		strings.Repeat("sasl:a:r,", 5000) + "sasl:a:r": "longer than",
	} {
		acl, err := zkstore.ParseACL(text)
		if !errors.Is(err, zkstore.ErrACL) || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%.50q: %+v, %v, want %q", text, acl, err, why)
		}
	}
}

// FuzzParseACL: what is read can be written and read again, and gives some rights to
// somebody.
func FuzzParseACL(f *testing.F) {
	for _, text := range []string{"creator", `x509:CN=a\,b\\,c:cdrwa,sasl:ops:r`, "ip:::1:r", "digest:bob:" + aHash + ":rw", "auth::a,world:anyone:r", ",", `\,::`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		acl, err := zkstore.ParseACL(text)
		if err != nil {
			if !errors.Is(err, zkstore.ErrACL) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := zkstore.ParseACL(acl.String())
		if err != nil || !reflect.DeepEqual(again, acl) {
			t.Errorf("%q is %+v, and written %q is %+v, %v", text, acl, acl.String(), again, err)
		}
		for _, e := range acl {
			if e.Scheme == "" || e.Perms == 0 || e.Perms > zkstore.PermAll || (e.ID == "") != (e.Scheme == "auth") {
				t.Errorf("%q has the entry %+v", text, e)
			}
		}
	})
}
