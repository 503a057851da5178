package ingest

import (
	"testing"

	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/kafka/kafkatest"
)

// Most of what needs a server or a broker is tested in the package faults.
func TestMain(m *testing.M) { goleak.VerifyTestMain(kafkatest.Main(clickhousetest.Main(m))) }
