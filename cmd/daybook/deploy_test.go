package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	metricName = regexp.MustCompile(`\bdaybook_[a-z0-9_]+`)
	alertName  = regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)
	sampleName = regexp.MustCompile(`(?m)^# TYPE (daybook_[a-z0-9_]+) (\w+)$`)
)

// checkDeployedMetrics holds that the dashboard and the alerts only ask for
// metrics that a node has.
func (s *server) checkDeployedMetrics(t *testing.T) {
	t.Helper()
	known := map[string]bool{}
	for _, m := range sampleName.FindAllStringSubmatch(s.metrics(t), -1) {
		known[m[1]] = true
		if m[2] == "histogram" {
			known[m[1]+"_bucket"], known[m[1]+"_sum"], known[m[1]+"_count"] = true, true, true
		}
	}
	// These have no value until the first of them happens.
	for _, name := range []string{"daybook_ingest_gap_messages_total", "daybook_ingest_retries_total", "daybook_ingest_dead_letters_total", "daybook_purge_rows_total"} {
		known[name] = true
	}
	// These are there while archive.enabled.
	for _, name := range []string{"behind_days", "purge_in_days", "days", "success_timestamp_seconds"} {
		known["daybook_archive_"+name] = true
	}
	for _, file := range []string{"grafana-dashboard.json", "alerts.yml"} {
		content, err := os.ReadFile(filepath.Join(sources, "../../deploy", file))
		require.NoError(t, err)
		asked := metricName.FindAllString(string(content), -1)
		if len(asked) < 5 {
			t.Errorf("%s asks for %d metrics only", file, len(asked))
		}
		for _, name := range asked {
			if !known[name] {
				t.Errorf("%s asks for %s, which a node does not have", file, name)
			}
		}
	}
}

// Each rule fires when it should, and not before.
func TestAlerts_Fire(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		missing(t, "promtool is not installed: apt-get install prometheus")
	}
	rules, err := os.ReadFile("../../deploy/alerts.yml")
	require.NoError(t, err)
	tests, err := os.ReadFile("../../deploy/alerts_test.yml")
	require.NoError(t, err)
	for _, m := range alertName.FindAllStringSubmatch(string(rules), -1) {
		require.Regexp(t, `count\(ALERTS\{alertname="`+m[1]+`"`, string(tests), "no test of %s", m[1])
	}
	out, err := exec.CommandContext(t.Context(), "promtool", "test", "rules", "../../deploy/alerts_test.yml").CombinedOutput()
	require.NoError(t, err, "%s", out)
}
