//go:build !faultpoints

package faults

import (
	"os"
	"testing"
)

func TestFaults(t *testing.T) {
	if os.Getenv("CI") == "true" {
		t.Fatal("the fault suite needs -tags faultpoints: make test")
	}
	t.Skip("SKIP: the fault suite needs -tags faultpoints: make test")
}
