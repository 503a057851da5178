package auth_test

import (
	"testing"

	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }
