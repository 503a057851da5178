package httpserver

import (
	"testing"

	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(clickhousetest.Main(m), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}
