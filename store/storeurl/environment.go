package storeurl

import (
	"cmp"
	"fmt"
	"os"

	"github.com/zkstate/zkstate/store/zkstore"
)

// The environment variables that [Environment] reads. The names of those that hold
// credentials begin with [AuthVariable].
const (
	// AuthVariable holds one set of credentials, as digest:user:password, or as
	// sasl:user:password for SASL DIGEST-MD5.
	AuthVariable = "ZKSTATE_AUTH"
	// AuthFile names a file that holds them, one set a line. Empty lines, and those that
	// begin with #, do not count. Nobody but its owner may have permission to read it.
	AuthFile = "ZKSTATE_AUTH_FILE"
	// CACertVariable, CertVariable and KeyVariable name the files of TLS that the URL's
	// parameters cacert, cert and key do. Where the URL is without TLS they do not count.
	CACertVariable = "ZKSTATE_CACERT"
	CertVariable   = "ZKSTATE_CERT"
	KeyVariable    = "ZKSTATE_KEY"
	// ACLVariable holds what the URL's parameter acl does.
	ACLVariable = "ZKSTATE_ACL"
)

// TLS says which files TLS uses. Those that are not empty count, in place of the
// URL's; [Open] refuses them for a URL without TLS.
func TLS(files zkstore.TLSFiles) Option { return func(c *config) { c.files = files } }

// ACL says which rights what is created gets, in place of the URL's parameter acl. Nil says
// nothing.
func ACL(acl zkstore.ACL) Option { return func(c *config) { c.acl = acl } }

// Environment reads the variables of this package. What the URL or another option says
// counts in place of what they do, but for credentials, which are shown beside the URL's. They have no
// meaning for stores that are not ZooKeeper's.
func Environment() Option { return func(c *config) { c.environment = true } }

// overlay returns the files that first has, and those of second where it has none. A
// certificate and its key are taken together.
func overlay(first, second zkstore.TLSFiles) zkstore.TLSFiles {
	if first.Cert == "" && first.Key == "" {
		first.Cert, first.Key = second.Cert, second.Key
	}
	first.CA = cmp.Or(first.CA, second.CA)
	first.ServerName = cmp.Or(first.ServerName, second.ServerName)
	return first
}

// environmentFiles are the files of TLS that the environment names.
func environmentFiles() zkstore.TLSFiles {
	return zkstore.TLSFiles{CA: os.Getenv(CACertVariable), Cert: os.Getenv(CertVariable), Key: os.Getenv(KeyVariable)}
}

func environmentACL() (zkstore.ACL, error) {
	text := os.Getenv(ACLVariable)
	if text == "" {
		return nil, nil
	}
	acl, err := zkstore.ParseACL(text)
	if err != nil {
		return nil, fmt.Errorf("$%s: %w", ACLVariable, err)
	}
	return acl, nil
}
