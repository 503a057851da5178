package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"daybook/pkg/bytesize"
)

const shipped = "../../config.yaml"

func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoad_ShippedFileIsTheDefaults(t *testing.T) {
	got, warnings, err := Load(shipped, nil)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%v %v", warnings, err)
	}
	want := Default()
	forEachLeafPair(t, &got, &want, func(key string, got, want any) {
		if diff := cmp.Diff(normal(want), normal(got)); diff != "" {
			t.Errorf("%s: config.yaml differs from the default:\n%s", key, diff)
		}
	})
	v, errs := read(shipped)
	if errs != nil {
		t.Fatal(errs)
	}
	for _, l := range leaves(&want) {
		if !v.InConfig(strings.ReplaceAll(l.key, ".", keySeparator)) {
			t.Errorf("config.yaml does not mention %s", l.key)
		}
	}
}

// normal makes an empty list or map equal to none.
func normal(v any) any {
	if r := reflect.ValueOf(v); (r.Kind() == reflect.Slice || r.Kind() == reflect.Map) && r.Len() == 0 {
		return nil
	}
	return v
}

func forEachLeafPair(t *testing.T, a, b *Config, visit func(key string, a, b any)) {
	t.Helper()
	left, right := leaves(a), leaves(b)
	for i := range left {
		visit(left[i].key, left[i].value.Interface(), right[i].value.Interface())
	}
}

// other returns a text that every reader takes and that is no default.
func other(t *testing.T, l leaf) string {
	t.Helper()
	switch {
	case l.value.Type() == durationType:
		return "1234ms"
	case isText(l.value):
		return "7KiB"
	}
	switch l.value.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(!l.value.Bool())
	case reflect.String:
		return "changed"
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "77"
	case reflect.Slice:
		if l.value.Type().Elem().Kind() == reflect.Struct {
			return "[{tenant: one}]"
		}
		return "one:1,two:2"
	case reflect.Map:
		return "a.b=c"
	default:
		t.Fatalf("%s: no way to set a %s from the environment", l.key, l.value.Type())
		return ""
	}
}

func TestLoad_EveryKeyByFileAndByEnvironment(t *testing.T) {
	defaults := Default()
	names := map[string]string{}
	for _, l := range leaves(&defaults) {
		if twin, taken := names[l.env()]; taken {
			t.Errorf("%s and %s are the same variable", twin, l.key)
		}
		names[l.env()] = l.key
		value := other(t, l)

		fromEnv, _, _ := Load("", []string{l.env() + "=" + value}) // A lone change may be a fault; it is stored all the same.
		keys := strings.Split(l.key, ".")
		var yaml strings.Builder
		for depth, key := range keys {
			fmt.Fprintf(&yaml, "%s%s:", strings.Repeat("  ", depth), key)
			if depth < len(keys)-1 {
				yaml.WriteString("\n")
			}
		}
		switch {
		case l.value.Kind() == reflect.Slice && !strings.HasPrefix(value, "["):
			yaml.WriteString(" [\"one:1\", \"two:2\"]\n")
		case l.value.Kind() == reflect.Map:
			yaml.WriteString(" {a.b: c}\n")
		default:
			yaml.WriteString(" " + value + "\n")
		}
		fromFile, _, _ := Load(write(t, yaml.String()), nil)

		for where, c := range map[string]*Config{"the environment": &fromEnv, "a file": &fromFile} {
			changed := 0
			forEachLeafPair(t, c, &defaults, func(key string, got, was any) {
				if cmp.Equal(got, was) {
					return
				}
				changed++
				if key != l.key {
					t.Errorf("%s set from %s changed %s", l.key, where, key)
				}
			})
			if changed != 1 {
				t.Errorf("%s set to %s from %s changed %d settings", l.key, value, where, changed)
			}
		}
	}
	if len(names) < 40 {
		t.Errorf("only %d settings found", len(names))
	}
}

func TestLoad_EnvironmentWins(t *testing.T) {
	file := write(t, "ingest: {max_age: 2s, max_bytes: 1MiB}\n")
	c, _, err := Load(file, []string{"DAYBOOK_INGEST_MAX_AGE=3s", "DAYBOOK_INGEST_MAX_BYTES=", "HOME=/x"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Ingest.MaxAge != 3*time.Second || c.Ingest.MaxBytes != bytesize.MiB {
		t.Errorf("got %v and %v", c.Ingest.MaxAge, c.Ingest.MaxBytes)
	}
}

func TestLoad_EveryFaultAtOnce(t *testing.T) {
	file := write(t, `
http: {addr: nowhere, ports: 1}
kafka: {partitions: 8.5, group: "", brokers: [a]}
kakfa: {topic: x}
ingest: {max_age: 10, max_bytes: 32MB}
log: {level: loud}
clickhouse: 5
categories: {"order.*": sales}
embedded: {enabled: maybe}
archive: {enabled: true}
auth: {bootstrap_key: 012}
retention: {days: 99999999999999999999}
`)
	_, _, err := Load(file, []string{"DAYBOOK_QUERY_MAX_LIMITS=5", "DAYBOOK_STREAM_MAX_AGE=soon"})
	if err == nil {
		t.Fatal("no fault found")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`http.addr: "nowhere" is not host:port`,
		"http.ports: unknown setting",
		`kafka.partitions: "8.5" is not a whole number`,
		"kafka.group: must not be empty",
		`kafka.brokers: "a" is not host:port`,
		"kakfa.topic: unknown setting (did you mean kafka.topic?)",
		`ingest.max_age: "10" is not a duration`,
		`ingest.max_bytes: "32MB" is not a size`,
		`log.level: "loud" is not`,
		`categories: "order.*": "sales" is no category`,
		"clickhouse: is a section of settings, not a value",
		`embedded.enabled: "maybe" is not true or false`,
		`archive.bucket: "" is no name of a bucket`,
		"archive.access_key and archive.secret_key: both must be set",
		"auth.bootstrap_key: 10 is not text: put it in quotes",
		"retention.days: ",
		"DAYBOOK_QUERY_MAX_LIMITS: unknown setting in the environment (did you mean DAYBOOK_QUERY_MAX_LIMIT?)",
		`stream.max_age: "soon" is not a duration`,
	} {
		found := false
		for _, line := range lines {
			found = found || strings.HasPrefix(line, want)
		}
		if !found {
			t.Errorf("missing: %s\nin:\n%v", want, err)
		}
	}
	if len(lines) != 18 {
		t.Errorf("%d faults for 18 mistakes:\n%v", len(lines), err)
	}
}

func TestLoad_TenantsOfTheirOwn(t *testing.T) {
	file := write(t, `
retention: {days: 90, tenants: [{tenant: Acme.Inc, days: 730}, {tenant: short, days: 7}]}
archive:
  {enabled: true, bucket: ours, access_key: a, secret_key: s, prefix: audit/, tenants: [{tenant: Acme.Inc, bucket: acme-audit, secret_key: t}]}
`)
	c, _, err := Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := c.Retention.Policy()
	if got := []int{kept.Of("Acme.Inc"), kept.Of("short"), kept.Of("other"), kept.Longest(), c.Event().RetentionDays}; !slices.Equal(got, []int{730, 7, 90, 730, 730}) {
		t.Errorf("days %v", got)
	}
	want := TenantArchive{Tenant: "Acme.Inc", Bucket: "acme-audit", Prefix: "audit/", Region: "us-east-1", AccessKey: "a", SecretKey: "t"}
	if got := c.Archive.Of("Acme.Inc"); got != want {
		t.Errorf("place %+v, want %+v", got, want)
	}
	if got := c.Archive.Of("acme.inc"); got.Bucket != "ours" {
		t.Errorf("another tenant has the place %+v", got)
	}
	for text, want := range map[string]string{
		"retention: {tenants: [{tenant: a, days: 0}]}":                                            "retention.tenants[0].days: 0 is not between",
		"retention: {tenants: [{tenant: a, days: 1}, {tenant: a, days: 2}]}":                      `retention.tenants[1].tenant: "a" is named twice`,
		"retention: {tenants: [{name: a, days: 1}]}":                                              "retention.tenants: ",
		"archive: {required: true}":                                                               "archive.required: nothing would ever be purged",
		"archive: {enabled: true, bucket: b-b, access_key: a, secret_key: s, endpoint: s3.local}": "archive.endpoint: \"s3.local\" is not like",
		"archive: {enabled: true, bucket: b-b, access_key: a, secret_key: s, kms_key: k}":         "archive.kms_key: is for sse aws:kms only",
	} {
		if _, _, err := Load(write(t, text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestLoad_OtherVariables(t *testing.T) {
	_, warnings, err := Load("", []string{
		"DAYBOOK_URL=x", "DAYBOOK_API_KEY=x", "DAYBOOK_ENGINE=x",
		"DAYBOOK_SERVICE_HOST=10.0.0.1", "DAYBOOK_PORT_8080_TCP_ADDR=10.0.0.1", "DAYBOOK_KAFKA_SERVICE_PORT=1", "DAYBOOK_KAFKA_PORT=tcp://x",
		"DAYBOOK_KAKFA_TOPIC=x",
	})
	if err != nil {
		t.Error(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "did you mean DAYBOOK_KAFKA_TOPIC?") {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestLoad_Files(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, _, err := Load("", nil); err != nil {
		t.Errorf("no file at all: %v", err)
	}
	if _, _, err := Load("absent.yaml", nil); err == nil || !strings.Contains(err.Error(), "absent.yaml") {
		t.Errorf("a named file that is absent: %v", err)
	}
	for name, content := range map[string]string{"broken": "http: {addr: [", "twice": "log: {level: info}\nlog: {level: warn}\n"} {
		if _, _, err := Load(write(t, content), nil); err == nil {
			t.Errorf("%s file: no error", name)
		}
	}
	for name, content := range map[string]string{"empty": "", "empty section": "http:\nlog: {}\n", "comment": "# nothing\n"} {
		if _, _, err := Load(write(t, content), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(DefaultFile, []byte("retention: {days: 30}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, _, err := Load("", nil); err != nil || c.Retention.Days != 30 {
		t.Errorf("%s in the working folder: %d days, %v", DefaultFile, c.Retention.Days, err)
	}
}

func TestLoad_CategoriesKeepTheirCase(t *testing.T) {
	c, _, err := Load(write(t, `categories: {"Order.Shipped": billing, order.*: usage, "*": system}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Order.Shipped": "billing", "order.*": "usage", "*": "system"}
	if diff := cmp.Diff(want, c.Event().Categories); diff != "" {
		t.Error(diff)
	}
}

func TestConfig_BetweenSections(t *testing.T) {
	_, _, err := Load("", []string{"DAYBOOK_EMBEDDED_ENABLED=false"})
	for _, want := range []string{"kafka.brokers: must be set", "clickhouse.addrs: must be set"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in %v", want, err)
		}
	}
	_, _, err = Load("", []string{"DAYBOOK_ADMIN_ADDR=127.0.0.1:9092"})
	if want := "embedded.kafka_addr: 127.0.0.1:9092 is taken by admin.addr"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	c, _, err := Load("", []string{"DAYBOOK_KAFKA_BROKERS=a:1, b:2"})
	if err != nil {
		t.Fatal(err)
	}
	r := c.Resolved()
	if diff := cmp.Diff([]string{"a:1", "b:2"}, r.Kafka.Brokers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"127.0.0.1:9000"}, r.ClickHouse.Addrs); diff != "" || c.EmbeddedKafka() || !c.EmbeddedClickHouse() {
		t.Error("a part whose address is set is external, the other embedded", diff)
	}
}
