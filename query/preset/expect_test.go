package preset

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
)

// If-Match is read or refused; what is read accepts just the versions that it
// names.
func FuzzExpect(f *testing.F) {
	for _, value := range []string{`"1"`, `*`, `W/"1"`, `"1", "2"`, `"01"`, `1`, `"`, ``, ` , `, `"99999999999999999999"`, `"a,b"`} {
		f.Add(value, uint64(1))
	}
	f.Fuzz(func(t *testing.T, value string, version uint64) {
		e, err := expectOf(&http.Request{Header: http.Header{"If-Match": {value}}})
		if err != nil {
			var invalid *apierror.Error
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, "If-Match", invalid.Fields[0].Field)
			return
		}
		if e.accepts(version) {
			require.True(t, e.any || len(value) >= len(etag(version)), value)
		}
		e, err = expectOf(&http.Request{Header: http.Header{"If-Match": {etag(version)}}})
		require.NoError(t, err)
		require.True(t, e.accepts(version))
		require.False(t, e.accepts(version+1))
	})
}
