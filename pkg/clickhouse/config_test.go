package clickhouse_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/clickhouse"
	"daybook/pkg/clienttls"
)

func TestConfig_Validate(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(noPEM, []byte("nothing"), 0o600))
	for name, test := range map[string]struct {
		change func(*clickhouse.Config)
		faults []string // each must be named; none: valid
	}{
		"default":          {func(*clickhouse.Config) {}, nil},
		"several servers":  {func(c *clickhouse.Config) { c.Addrs = []string{"a:9000", "[::1]:9000"} }, nil},
		"address":          {func(c *clickhouse.Config) { c.Addrs = []string{"a:9000", "localhost"} }, []string{`clickhouse.addrs: "localhost"`}},
		"database":         {func(c *clickhouse.Config) { c.Database = "a b; DROP" }, []string{"clickhouse.database"}},
		"no database":      {func(c *clickhouse.Config) { c.Database = "" }, []string{"clickhouse.database"}},
		"cluster":          {func(c *clickhouse.Config) { c.Cluster = "a'b" }, []string{"clickhouse.cluster"}},
		"connections":      {func(c *clickhouse.Config) { c.MaxOpenConns = 0 }, []string{"clickhouse.max_open_conns"}},
		"every fault":      {func(c *clickhouse.Config) { *c = clickhouse.Config{Addrs: []string{"x"}} }, []string{"addrs", "database", "max_open_conns"}},
		"no such CA":       {func(c *clickhouse.Config) { c.TLS = clienttls.Config{Enabled: true, CA: "/no/such/file"} }, []string{"clickhouse.tls.ca"}},
		"CA is no PEM":     {func(c *clickhouse.Config) { c.TLS = clienttls.Config{Enabled: true, CA: noPEM} }, []string{"no PEM certificate"}},
		"cert without key": {func(c *clickhouse.Config) { c.TLS = clienttls.Config{Enabled: true, Cert: noPEM} }, []string{"cert and key go together"}},
		"TLS is off":       {func(c *clickhouse.Config) { c.TLS = clienttls.Config{CA: noPEM} }, []string{"enabled is false"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := clickhouse.DefaultConfig()
			test.change(&config)
			err := config.Validate()
			if len(test.faults) == 0 {
				require.NoError(t, err)
			}
			for _, fault := range test.faults {
				require.ErrorContains(t, err, fault)
			}
		})
	}
}
