package cursor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A cursor that opens is one that was sealed, letter by letter.
func FuzzOpen(f *testing.F) {
	f.Add(Seal(42, []byte("content")))
	f.Add(Seal(0, nil))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		binding, content, err := Open(text)
		if err == nil {
			require.Equal(t, text, Seal(binding, content))
		}
	})
}
