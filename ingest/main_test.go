package ingest

import (
	"testing"

	"go.uber.org/goleak"
)

// What needs a broker and a server is tested in the package faults.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
