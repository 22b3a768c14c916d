package zkstore_test

import (
	"crypto/tls"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/store/zkstore"
)

func TestConfigRefuses(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.pem")
	for want, cfg := range map[string]zkstore.Config{
		"no servers":        {},
		"leave one of them": {Servers: []string{"h"}, SRV: "example.com"},
		"field of its own":  {Servers: []string{"h1,h2/a"}},
		"field of its  own": {SRV: "example.com/a"},
		"must be one name":  {SRV: "h1,h2"},
		absent:              {Servers: []string{"h"}, TLS: zkstore.TLSFiles{CA: absent}.Config},
		"not today":         {Servers: []string{"h"}, TLS: func(string) (*tls.Config, error) { return nil, errors.New("not today") }},
	} {
		s, err := zkstore.Open(cfg)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(want, "  ", " ")) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
