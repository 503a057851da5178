package event_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

func TestInert(t *testing.T) {
	for _, cell := range []string{"", "a", "=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝", "＋", "－", "＠", "'", "''", "'=", "1-1", "{}", "ü", "_", "`", "~", " =1"} {
		require.Equal(t, cell, event.Raw(event.Inert(cell)), "%q", cell)
		require.NotRegexp(t, "^[=+@\t\r\n＝＋－＠-]", event.Inert(cell))
	}
	require.Equal(t, "1-1", event.Inert("1-1"))
}
