package main

import (
	"os"
	"strings"

	"github.com/zkstate/zkstate/store/storeurl"
)

// childEnv is the environment of a command that a user has this program run. It has no
// credentials: neither the variables that hold them, nor those in the store's URL.
func childEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, storeurl.AuthVariable) {
			continue
		}
		if name == storeVariable && value != "" {
			public, err := storeurl.Public(value)
			if err != nil { // it is not known what of it is secret
				continue
			}
			entry = name + "=" + public
		}
		env = append(env, entry)
	}
	return env
}
