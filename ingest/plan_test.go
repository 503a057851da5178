package ingest

import (
	"testing"
	"time"
)

func TestPlan_Metadata(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123)
	for _, p := range []plan{
		{offset: 0, end: -1},
		{offset: 10, end: 9, last: at},
		{offset: 10, end: 10, last: at},
		{offset: 10, end: 5000},
	} {
		got := parsePlan(p.offset, p.metadata())
		if got.offset != p.offset || got.end != p.end || !got.last.Equal(p.last) {
			t.Errorf("%+v written as %q and read back as %+v", p, p.metadata(), got)
		}
	}
}

// What other tools leave in the metadata must not be taken for a plan.
func TestParsePlan_Foreign(t *testing.T) {
	for _, metadata := range []string{"", "host-7", "v2;E=99;t=5", "E=99", "v1", "v1;", "v1;E=", "v1;E=x;t=y", "v1;E=3"} {
		if p := parsePlan(10, metadata); p.pending() || !p.last.IsZero() {
			t.Errorf("%q: read as %+v", metadata, p)
		}
	}
}
