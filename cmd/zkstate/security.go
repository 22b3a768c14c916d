package main

import "github.com/spf13/cobra"

// newSecurityTopic is what zkstate help security shows. It is no command.
func newSecurityTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "security",
		Short: "TLS, credentials and ACLs of ZooKeeper",
		Long: `What of ZooKeeper is secured, and how. docs/SECURING.md leads from a bare ensemble to a
secured one.

TLS: zks://HOST:2281,HOST:2281/CHROOT. A server's certificate is always verified, by the
name in the URL. What counts is a flag, else the URL's parameter, else the variable:

  --cacert  cacert=      ZKSTATE_CACERT  authorities, in place of the system's
  --cert    cert=        ZKSTATE_CERT    the certificate to show to servers
  --key     key=         ZKSTATE_KEY     its key, without a passphrase
            servername=                  the name in the servers' certificates

The files are PEM and are read anew for each connection.

Who you are: the certificate; or a line of the file that ZKSTATE_AUTH_FILE names, which
only its owner may be allowed to read, or the one line that ZKSTATE_AUTH holds:

  sasl:USER:PASSWORD     SASL DIGEST-MD5. Of several lines, sasl_user=USER in the URL names one
  digest:USER:PASSWORD   ZooKeeper's digest, which sends the password: use TLS

What is created gets the ACL that --acl, acl= in the URL, or ZKSTATE_ACL asks for:

  creator   all rights for whoever the server knows you as, none for others
  read      the same, and everybody may read
  open      all rights for everybody; who shares with the Rust crate needs it
  a list    SCHEME:ID:PERMS,… as in zkCli, with a comma within an ID written \,
            x509:CN=app\,O=Acme:cdrwa,sasl:ops:r

The default is creator where the server knows you, by whatever means, else open. All who
share a document have to ask for the same ACL. Nothing changes the ACL of what is there.

Other parameters of the URL: session=TIME, and servers=fixed, without which the servers that
the ensemble's own configuration names are used where those in the URL are gone.`,
	}
}
