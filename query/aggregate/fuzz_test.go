package aggregate

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
)

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"from":"now-2d","to":"now","bucket":"1h","groupBy":["eventType","payload.a"],"metrics":[{"op":"p95","field":"payload.ms"}],"top":{"k":2,"by":0,"other":true},"filter":{"severity":"WARN+"},"timezone":"Europe/Prague","fill":"null","compare":"previous"}`))
	f.Add([]byte(`{"bucket":null,"groupBy":null,"metrics":null,"top":null,"filter":null}`))
	f.Add([]byte(`{"bucket": 1, "filter": [], "groupBy": ["payload.a..b"], "metrics": [{"op": "p95"}], "top": {"k": 1e9}, "fill": "x", "compare": "next"}`))
	f.Add([]byte(`{"timezone": "Local", "from": "now+1d", "to": "now"} {}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseRequest(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body)), now)
		if err != nil {
			var invalid *apierror.Error
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, apierror.KindInvalid, invalid.Kind)
			for _, field := range invalid.Fields {
				require.NotEmpty(t, field.Field)
				require.NotEmpty(t, field.Message)
			}
			require.NotEmpty(t, invalid.Fields)
			return
		}
		require.NotEmpty(t, r.metrics)
		require.LessOrEqual(t, len(r.groupBy), maxDimensions)
		require.True(t, r.top == 0 || r.by < len(r.metrics))
	})
}
