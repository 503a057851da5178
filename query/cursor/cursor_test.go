package cursor

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCursor(t *testing.T) {
	bound := Binding("acme", "eventType:a")
	require.NotEqual(t, bound, Binding("acmeeventType:a"), "the texts are told apart")
	sealed := Seal(bound, []byte("content"))
	binding, content, err := Open(sealed)
	require.NoError(t, err)
	require.Equal(t, bound, binding)
	require.Equal(t, "content", string(content))

	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	require.NoError(t, err)
	for i := range raw {
		raw[i] ^= 1
		_, _, err := Open(base64.RawURLEncoding.EncodeToString(raw))
		require.Error(t, err)
		raw[i] ^= 1
	}
	for i := range sealed {
		_, _, err := Open(sealed[:i])
		require.ErrorContains(t, err, "cursor: is damaged")
	}
}
