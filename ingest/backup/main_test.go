package backup

import (
	"testing"

	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/kafka/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(kafkatest.Main(clickhousetest.Main(m))) }
