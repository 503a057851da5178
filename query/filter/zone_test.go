package filter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestZone(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Prague", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5", "EST5EDT", "GB-Eire"} {
		zone, err := Zone(name)
		require.NoError(t, err, name)
		require.Equal(t, name, zone.String())
	}
	for _, name := range []string{
		"", "Local", "Mars/Base", "Europe", "Europe/", "/UTC", "Europe//Prague", "Europe/./Prague", "../../etc/passwd", "/etc/localtime",
		"localtime", "posixrules", "posix/UTC", "right/UTC", "tzdata.zi", "UTC\x00", "Europe/Prague\n", "\xff",
	} {
		_, err := Zone(name)
		require.Error(t, err, name)
	}
}
