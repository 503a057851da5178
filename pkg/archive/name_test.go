package archive_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/archive"
	"daybook/pkg/tenant"
)

func TestFolder(t *testing.T) {
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for id, want := range map[tenant.ID]string{
		"acme":     "tenant=acme/date=2026-01-31/",
		"a b/c=ü.": "tenant=a.20b.2Fc.3D.C3.BC.2E/date=2026-01-31/",
	} {
		require.Equal(t, want, archive.Folder(id, day))
		back, at, err := archive.ParseFolder(want + "events-0001.parquet")
		require.NoError(t, err)
		require.Equal(t, id, back)
		require.Equal(t, day, at)
	}
	for _, name := range []string{"", "a/b", "tenant=a/x", "tenant=a.2/date=2026-01-31/", "tenant=a.ZZ/date=2026-01-31/", "tenant=a/date=2026-02-30/"} {
		_, _, err := archive.ParseFolder(name)
		require.Error(t, err, name)
	}
}

func TestManifestNumber(t *testing.T) {
	n, ok := archive.ManifestNumber(archive.Manifest(12))
	require.True(t, ok)
	require.Equal(t, 12, n)
	for _, name := range []string{"_manifest-.json", "_manifest-0.json", "_manifest-x.json", "manifest-1.json", "_manifest-1.json.bak"} {
		_, ok := archive.ManifestNumber(name)
		require.False(t, ok, name)
	}
	require.True(t, archive.IsData(archive.NewData(3)))
	require.NotEqual(t, archive.NewData(3), archive.NewData(3))
}
