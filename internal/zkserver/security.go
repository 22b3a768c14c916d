package zkserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// TLS says how a server speaks TLS with its clients.
type TLS struct {
	// KeyStore holds the server's key and certificate, and TrustStore the
	// certificates of the authorities that clients' certificates may come from;
	// both are PEM files.
	KeyStore, TrustStore string
	// ClientAuth is need (the default), want or none.
	ClientAuth string
}

func (t *TLS) properties(own seat) map[string]string {
	if t == nil {
		return nil
	}
	host, port, _ := strings.Cut(own.secure, ":")
	return map[string]string{
		"secureClientPort":        port,
		"secureClientPortAddress": host,
		"serverCnxnFactory":       "org.apache.zookeeper.server.NettyServerCnxnFactory", // the other one has no TLS
		"ssl.keyStore.location":   t.KeyStore,
		"ssl.trustStore.location": t.TrustStore,
		"ssl.clientAuth":          cmp.Or(t.ClientAuth, "need"),
		"authProvider.x509":       "org.apache.zookeeper.server.auth.X509AuthenticationProvider",
	}
}

// SASL says how a server authenticates its clients by SASL DIGEST-MD5.
type SASL struct {
	// Users have their passwords as values.
	Users map[string]string
	// Required closes the session of a client that asks for anything before it
	// is authenticated.
	Required bool
}

// jaasFile is where a server's users are, in its directory.
const jaasFile = "conf/jaas.conf"

func (s *SASL) properties() map[string]string {
	if s == nil {
		return nil
	}
	lines := map[string]string{"authProvider.sasl": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider"}
	if s.Required {
		lines["sessionRequireClientSASLAuth"] = "true"
	}
	return lines
}

// jaas renders Java's login configuration.
func (s *SASL) jaas() string {
	var b strings.Builder
	b.WriteString("Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required")
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for _, user := range slices.Sorted(maps.Keys(s.Users)) {
		fmt.Fprintf(&b, "\n  user_%s=\"%s\"", user, quote.Replace(s.Users[user]))
	}
	b.WriteString(";\n};\n")
	return b.String()
}
