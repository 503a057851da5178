package ingest

import (
	"testing"

	"go.uber.org/goleak"

	"daybook/pkg/kafka/kafkatest"
)

// What needs a server, and most of what needs a broker, is tested in the package faults.
func TestMain(m *testing.M) { goleak.VerifyTestMain(kafkatest.Main(m)) }
