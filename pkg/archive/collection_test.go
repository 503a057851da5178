package archive_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
)

func TestEnsureCollection(t *testing.T) {
	g := archivetest.Start(t)
	conn, err := clickhouse.Open(t.Context(), clickhousetest.Start(t), clickhouse.WithSettings(archive.Settings()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	p := g.Place("the-bucket")
	p.Prefix, p.SSE = `a'b\c/`, "AES256"
	require.Error(t, conn.Exec(t.Context(), "SELECT 1 FROM "+p.Source("a.parquet")), "it is there already")
	for range 2 {
		require.NoError(t, archive.EnsureCollection(t.Context(), conn, p))
	}
	for _, name := range []string{"tenant=a=2F/date=2026-01-01/a.parquet", "tenant=a=2F/date=2026-01-01/b.parquet"} {
		require.NoError(t, conn.Exec(t.Context(), "INSERT INTO FUNCTION "+p.Source(name)+
			" SELECT * FROM generateRandom('"+archive.Structure()+"', 1, 10) LIMIT 5"))
		require.FileExists(t, g.File(p, name))
	}
	var rows uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM "+
		p.Source("tenant=a=2F/date=2026-01-01/a.parquet", "tenant=a=2F/date=2026-01-01/b.parquet")).Scan(&rows))
	require.EqualValues(t, 10, rows)
	require.Error(t, conn.Exec(t.Context(), "INSERT INTO FUNCTION "+p.Source("tenant=a=2F/date=2026-01-01/a.parquet")+
		" SELECT * FROM generateRandom('"+archive.Structure()+"', 1, 10) LIMIT 5"), "an object is written over")
	var shown string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT toString(collection) FROM system.named_collections WHERE name = ?", p.Collection()).Scan(&shown))
	require.NotContains(t, shown, p.SecretKey)
}
