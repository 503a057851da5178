package main

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
)

// sources is this folder; tests work in others.
var sources, _ = os.Getwd()

// TestMain lets the test binary be the children that daybook itself is: the
// embedded ClickHouse's, and the clients of bench stream.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "engine" || os.Args[1] == "bench") {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(clickhousetest.Main(m), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}
