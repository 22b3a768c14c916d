package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/zkstate/zkstate/store/storeurl"
	"github.com/zkstate/zkstate/store/zkstore"
)

// zkFlags are the common flags that only ZooKeeper has a meaning for.
type zkFlags struct {
	tls zkstore.TLSFiles
	acl string
}

func (f *zkFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.tls.CA, "cacert", "", "`FILE` with the authorities that servers' certificates must come from (default $ZKSTATE_CACERT, else the system's)")
	flags.StringVar(&f.tls.Cert, "cert", "", "`FILE` with the certificate to show to servers (default $ZKSTATE_CERT)")
	flags.StringVar(&f.tls.Key, "key", "", "`FILE` with its key (default $ZKSTATE_KEY)")
	flags.StringVar(&f.acl, "acl", "", "`ACL` of what is created in ZooKeeper, see help security (default $ZKSTATE_ACL, else creator-only where the server knows you)")
}

// options are what the flags say to storeurl.
func (f *zkFlags) options() ([]storeurl.Option, error) {
	opts := []storeurl.Option{storeurl.TLS(f.tls)}
	if f.acl == "" {
		return opts, nil
	}
	acl, err := zkstore.ParseACL(f.acl)
	if err != nil {
		return nil, usageError{fmt.Errorf("--acl: %w", err)}
	}
	return append(opts, storeurl.ACL(acl)), nil
}

// env are the variables that say the same to another zkstate.
func (f *zkFlags) env() (env []string) {
	for name, value := range map[string]string{
		storeurl.CACertVariable: f.tls.CA, storeurl.CertVariable: f.tls.Cert, storeurl.KeyVariable: f.tls.Key, storeurl.ACLVariable: f.acl,
	} {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}
